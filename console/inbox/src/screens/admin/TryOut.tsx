import { Button, NativeSelect, NumberInput, SegmentedControl, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { ChangeIn, DryRunOut, ServedOut, ForecastOut, MemberIn, PlayedOut, TeamRulesIn } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { explain } from "../../actions/explain";
import * as admin from "../../api/admin";
import { agentsQuery, teamsQuery } from "../../api/queries";
import { share } from "../../format/number";
import { duration } from "../../format/time";
import { useText } from "../../text";
import classes from "./Admin.module.css";
import { MemberForm, number, RulesForm } from "./forms";
import { Sheet, Table } from "./parts";
import { dayFrom } from "./Shifts";

const zoneHere = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

type Result = { kind: "past"; found: DryRunOut } | { kind: "day"; found: ForecastOut };

/** A rule, a skill or a capacity tried out before it is changed: on what has happened, and on a day to come. */
export function TryOut() {
  const text = useText();
  const { t } = text;
  const { data: teams } = useQuery(teamsQuery);
  const { data: agents } = useQuery(agentsQuery);
  const [on, setOn] = useState<Result["kind"]>("past");
  const [what, setWhat] = useState("");
  const [rules, setRules] = useState<TeamRulesIn | null>(null);
  const [member, setMember] = useState<MemberIn | null>(null);
  const [last, setLast] = useState(200);
  const [day, setDay] = useState(dayFrom(1));
  const [target, setTarget] = useState(60);
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<Result | null>(null);
  const [kind = "", id = ""] = what.split(":");

  function change(): ChangeIn {
    const { skills, capacity, team_ids } = member ?? { skills: {}, capacity: null, team_ids: [] };
    return {
      teams: kind === "team" && rules ? { [id]: rules } : {},
      agents: kind === "agent" && member ? { [id]: { skills, capacity, team_ids } } : {},
    };
  }

  async function run() {
    setBusy(true);
    try {
      const asked = { change: change(), target_seconds: target };
      setResult(
        on === "past"
          ? { kind: on, found: await admin.dryRun({ ...asked, last }) }
          : { kind: on, found: await admin.forecast({ ...asked, day, zone: zoneHere(), service_level: 0.8, runs: 10 }) },
      );
    } catch (error) {
      notifications.show({ message: explain(error, text), color: "red", autoClose: 8_000 });
    } finally {
      setBusy(false);
    }
  }

  return (
    <Sheet title={t("admin.try")} intro={t("admin.try.intro")}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <SegmentedControl
          aria-label={t("admin.try.on")}
          value={on}
          onChange={(value) => setOn(value)}
          data={[
            { value: "past", label: t("admin.try.past") },
            { value: "day", label: t("admin.try.day") },
          ]}
        />
        <div className={classes.row}>
          {on === "past" ? (
            <NumberInput label={t("admin.try.last")} min={1} max={2_000} value={last} onChange={(value) => setLast(number(value, 200))} />
          ) : (
            <TextInput type="date" required label={t("admin.day")} value={day} onChange={(event) => setDay(event.currentTarget.value)} />
          )}
          <NumberInput label={t("admin.try.target")} min={1} value={target} onChange={(value) => setTarget(number(value, 60))} />
          <NativeSelect
            label={t("admin.try.what")}
            value={what}
            onChange={(event) => setWhat(event.currentTarget.value)}
            data={[
              { value: "", label: t("admin.try.nothing") },
              ...(teams?.items ?? []).map((team) => ({ value: `team:${team.id}`, label: t("admin.ownerTeam", { name: team.name }) })),
              ...(agents?.items ?? []).map((agent) => ({ value: `agent:${agent.id}`, label: agent.name })),
            ]}
          />
        </div>
        {kind === "team" && <TriedRules key={what} id={id} onChange={setRules} />}
        {kind === "agent" && <TriedMember key={what} id={id} onChange={setMember} />}
        <div>
          <Button type="submit" loading={busy}>
            {t("admin.try.run")}
          </Button>
        </div>
      </form>
      <div aria-live="polite">
        {result?.kind === "past" && <Past found={result.found} />}
        {result?.kind === "day" && <Day found={result.found} />}
      </div>
    </Sheet>
  );
}

function TriedRules({ id, onChange }: { id: string; onChange: (rules: TeamRulesIn) => void }) {
  const { data: known } = useQuery(admin.rulesQuery(id));
  const { data: teams } = useQuery(teamsQuery);
  const { data: skills } = useQuery(admin.skillsQuery);
  const [rules, setRules] = useState<TeamRulesIn | null>(null);
  const shown = rules ?? known;
  if (!shown) return null;
  return (
    <RulesForm
      rules={shown}
      onChange={(next) => {
        setRules(next);
        onChange(next);
      }}
      teams={teams?.items.filter((each) => each.id !== id) ?? []}
      skills={skills?.items ?? []}
    />
  );
}

function TriedMember({ id, onChange }: { id: string; onChange: (member: MemberIn) => void }) {
  const { data: known } = useQuery(admin.memberQuery(id));
  const { data: teams } = useQuery(teamsQuery);
  const { data: skills } = useQuery(admin.skillsQuery);
  const [member, setMember] = useState<MemberIn | null>(null);
  const shown = member ?? known;
  if (!shown) return null;
  return (
    <MemberForm
      member={shown}
      onChange={(next) => {
        setMember(next);
        onChange(next);
      }}
      teams={teams?.items ?? []}
      skills={skills?.items ?? []}
    />
  );
}

function FiguresTable({ rows }: { rows: [string, ServedOut][] }) {
  const text = useText();
  const { t } = text;
  const time = (seconds: number) => duration(seconds * 1_000, text);
  return (
    <Table label={t("admin.try.figures")} heads={[t("admin.try.how"), t("admin.try.answered"), t("admin.try.inTime"), t("admin.try.gaveUp"), t("admin.try.meanWait"), t("admin.try.longest")]}>
      {rows.map(([name, figures]) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          <td>{t("media.of", { number: figures.answered, count: figures.conversations })}</td>
          <td>{share(figures.service_level, text)}</td>
          <td>{figures.gave_up}</td>
          <td>{time(figures.mean_wait)}</td>
          <td>{time(figures.longest_wait)}</td>
        </tr>
      ))}
    </Table>
  );
}

function Past({ found }: { found: DryRunOut }) {
  const text = useText();
  const { t, counted } = text;
  const outcome = ({ agent, wait }: PlayedOut) =>
    agent ? `${agent.name} · ${duration((wait ?? 0) * 1_000, text)}` : t("admin.try.nobody");
  return (
    <>
      <h3 className={classes.section}>{counted("admin.try.differ", found.differ)}</h3>
      <FiguresTable
        rows={[
          [t("admin.try.happened"), found.happened],
          [t("admin.try.asNow"), found.as_now],
          [t("admin.try.changed"), found.changed],
        ]}
      />
      {found.got.length > 0 && (
        <>
          <h3 className={classes.section}>{t("admin.try.got")}</h3>
          <Table label={t("admin.try.got")} heads={[t("floor.agent"), t("admin.try.asNow"), t("admin.try.changed")]}>
            {found.got.map((each) => (
              <tr key={each.agent.id}>
                <th scope="row">{each.agent.name}</th>
                <td>{each.as_now}</td>
                <td>{each.changed}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
      {found.moved.length > 0 && (
        <>
          <h3 className={classes.section}>{t("admin.try.moved")}</h3>
          <Table label={t("admin.try.moved")} heads={[t("admin.try.number"), t("admin.try.happened"), t("admin.try.asNow"), t("admin.try.changed")]}>
            {found.moved.map((each) => (
              <tr key={each.conversation_id}>
                <th scope="row">{each.ticket_number}</th>
                <td>{outcome(each.happened)}</td>
                <td>{outcome(each.as_now)}</td>
                <td>{outcome(each.changed)}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </>
  );
}

function Day({ found }: { found: ForecastOut }) {
  const text = useText();
  const { t } = text;
  const time = (seconds: number) => duration(seconds * 1_000, text);
  const clock = new Intl.DateTimeFormat(text.locale, { hour: "2-digit", minute: "2-digit" });
  return (
    <>
      <h3 className={classes.section}>{t("admin.try.expected", { arrivals: Math.round(found.arrivals), days: found.days })}</h3>
      <p className={classes.mark}>{t(found.staffed_by === "shifts" ? "admin.try.byShifts" : "admin.try.byLastWeek")}</p>
      <FiguresTable
        rows={[
          [t("admin.try.asNow"), found.as_now],
          [t("admin.try.changed"), found.changed],
        ]}
      />
      {found.stretches.length > 0 && (
        <>
          <h3 className={classes.section}>{t("admin.try.byHalfHour")}</h3>
          <Table
            label={t("admin.try.byHalfHour")}
            heads={[t("admin.try.from"), t("floor.team"), t("admin.try.arrivals"), t("admin.try.there"), t("admin.try.needed"), t("admin.try.meanWait"), t("admin.try.inTime"), t("admin.try.gaveUp")]}
          >
            {found.stretches.map((each) => (
              <tr key={`${each.begin} ${each.team.id}`}>
                <th scope="row">{clock.format(new Date(each.begin))}</th>
                <td>{each.team.name}</td>
                <td>{each.arrivals.toLocaleString(text.locale, { maximumFractionDigits: 1 })}</td>
                <td>{each.there}</td>
                <td>{each.needed}</td>
                <td>{time(each.changed.mean_wait)}</td>
                <td>{share(each.changed.service_level, text)}</td>
                <td>{share(each.changed.gave_up / Math.max(1, each.changed.conversations), text)}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </>
  );
}
