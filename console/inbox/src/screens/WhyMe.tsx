import type { CandidateOut, ConversationOut, RoutingOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";

import { routingQuery } from "../api/queries";
import { brief, duration } from "../format/time";
import { useText } from "../text";
import classes from "./Details.module.css";
import { Section } from "./Section";

const POINTS = ["own_team", "knows_them", "preferred", "spared", "turn"] as const;

/** Why it is mine, or how long it is going to wait for somebody. Says nothing where nothing was ever decided. */
export function WhyMe({ conversation }: { conversation: ConversationOut }) {
  const text = useText();
  const { t } = text;
  const { data } = useQuery(routingQuery(conversation.id));
  if (!data || (!data.decision && !data.wait)) return null;
  const needs = [...data.required, ...data.preferred];
  return (
    <Section title={t("routing.title")}>
      {data.wait && (
        <p className={classes.soft}>
          {t("routing.wait", { place: data.wait.place })}
          {data.wait.estimate_seconds !== null &&
            ` · ${t("routing.estimate", { time: duration(data.wait.estimate_seconds * 1_000, text) })}`}
        </p>
      )}
      {needs.length > 0 && (
        <p className={classes.soft}>
          {t("routing.needs", { needs: needs.map((need) => `${need.skill} ${need.level}`).join(", ") })}
        </p>
      )}
      {data.decision && <Decision decision={data.decision} />}
    </Section>
  );
}

function Decision({ decision }: { decision: NonNullable<RoutingOut["decision"]> }) {
  const text = useText();
  const { t, word } = text;
  const away = Object.entries(decision.turned_away);
  return (
    <>
      <p className={classes.soft}>
        {t("routing.chosen", { name: decision.agent.name, number: decision.eligible })} · {brief(decision.at, text)}
      </p>
      <ul className={classes.plain}>
        {decision.candidates.map((candidate) => (
          <Candidate key={candidate.agent.id} candidate={candidate} />
        ))}
      </ul>
      {away.length > 0 && (
        <p className={classes.soft}>
          {t("routing.away", {
            reasons: away
              .map(([reason, number]) => `${number.toString()} ${word(reason in ROUTING ? "routing" : "presence", reason).toLowerCase()}`)
              .join(", "),
          })}
        </p>
      )}
    </>
  );
}

const ROUTING = { skill: true, full: true, passed: true };

function Candidate({ candidate }: { candidate: CandidateOut }) {
  const { t } = useText();
  const points = POINTS.filter((name) => Math.round(candidate[name]) !== 0);
  return (
    <li className={classes.tried} data-given>
      <span className={classes.triedText}>
        {candidate.agent.name}
        <span className={classes.soft}>
          {points.map((name) => `${t(`routing.${name}`)} ${signed(candidate[name])}`).join(" · ")}
        </span>
      </span>
      <span className={classes.score}>{Math.round(candidate.score)}</span>
    </li>
  );
}

function signed(points: number): string {
  const rounded = Math.round(points);
  return rounded > 0 ? `+${rounded.toString()}` : `−${Math.abs(rounded).toString()}`;
}
