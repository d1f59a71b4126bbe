import type { AtWorkOut, QueueOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { use } from "react";

import { floorQuery, presenceReasonsQuery } from "../api/queries";
import { share } from "../format/number";
import { Failed, Loading } from "../parts/Pane";
import { Since } from "../parts/Since";
import { usePageTitle } from "../parts/usePageTitle";
import { useText } from "../text";
import account from "./Account.module.css";
import classes from "./Floor.module.css";
import health from "./Health.module.css";
import { MenuButton } from "./Shell";

/** Every queue and everybody of a team, as they are now. */
export function Floor() {
  const { t } = useText();
  const menuButton = use(MenuButton);
  const query = useQuery(floorQuery);
  usePageTitle(t("floor.title"));
  return (
    <div className={health.page}>
      <header className={health.bar}>
        {menuButton}
        <h1 className={health.title}>{t("floor.title")}</h1>
      </header>
      <div className={health.body}>
        {/* Its tables are wider than a telephone: whoever has no mouse scrolls them with the arrow keys. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls must take the focus */}
        <div className={classes.sheet} role="region" aria-label={t("floor.title")} tabIndex={0}>
          {query.isPending && <Loading lines={6} />}
          {query.isError && !query.data && <Failed error={query.error} again={() => void query.refetch()} />}
          {query.data && (
            <>
              <h2 className={health.heading}>{t("floor.queues")}</h2>
              <Queues queues={query.data.queues} />
              <h2 className={health.heading}>{t("floor.people")}</h2>
              {query.data.agents.length === 0 ? <p>{t("floor.nobody")}</p> : <People agents={query.data.agents} />}
            </>
          )}
        </div>
      </div>
    </div>
  );
}

function Queues({ queues }: { queues: QueueOut[] }) {
  const { t } = useText();
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">{t("floor.team")}</th>
          <th scope="col">{t("floor.waiting")}</th>
          <th scope="col">{t("floor.oldest")}</th>
          <th scope="col">{t("floor.offered")}</th>
        </tr>
      </thead>
      <tbody>
        {queues.map((queue) => (
          <tr key={queue.team.id}>
            <th scope="row">{queue.team.name}</th>
            <td>{queue.waiting}</td>
            <td>{queue.oldest_since ? <Since at={queue.oldest_since} /> : "–"}</td>
            <td>{queue.offered}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const ORDER = ["available", "busy", "wrap_up", "break", "offline"];

function People({ agents }: { agents: AtWorkOut[] }) {
  const text = useText();
  const { t, word, language } = text;
  const { data: reasons } = useQuery(presenceReasonsQuery);
  const reasonOf = (agent: AtWorkOut) => {
    if (agent.reason === "missed_offer") return t("presence.missedOffer");
    if (agent.reason === "resolved") return t("presence.resolved");
    return reasons?.items.find((each) => each.code === agent.reason)?.[language === "es" ? "name_es" : "name_en"];
  };
  const sorted = agents.toSorted((one, other) => ORDER.indexOf(one.presence) - ORDER.indexOf(other.presence));
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">{t("floor.agent")}</th>
          <th scope="col">{t("floor.state")}</th>
          <th scope="col">{t("floor.since")}</th>
          <th scope="col">{t("floor.load")}</th>
          <th scope="col">{t("floor.open")}</th>
        </tr>
      </thead>
      <tbody>
        {sorted.map((agent) => (
          <tr key={agent.agent.id}>
            <th scope="row">{agent.agent.name}</th>
            <td>
              <span className={classes.state}>
                <span aria-hidden className={account.dot} data-presence={agent.presence} />
                {[t(`presence.${agent.presence}`), reasonOf(agent)].filter(Boolean).join(" · ")}
              </span>
            </td>
            <td>{agent.since ? <Since at={agent.since} /> : "–"}</td>
            <td>{share(agent.load, text)}</td>
            <td>
              {Object.entries(agent.open)
                .map(([channel, number]) => `${number.toString()} ${word("channel", channel)}`)
                .join(", ") || "–"}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
