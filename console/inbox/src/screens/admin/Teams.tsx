import { Button, Checkbox, NativeSelect, TextInput } from "@mantine/core";
import type { NewTeamIn, TeamDetail, TeamOut, TeamRulesIn } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import * as admin from "../../api/admin";
import { inboxesQuery, teamsQuery } from "../../api/queries";
import { useText } from "../../text";
import classes from "./Admin.module.css";
import { RulesForm } from "./forms";
import { Dialog, Read, Sheet, Table, useSave } from "./parts";

const TIERS = ["1", "2", "vendor"] as const;
const MODES = ["manual", "offer", "automatic"] as const satisfies admin.Mode[];

/** Teams, who leads them, how their queues are served; and how each inbox hands out what waits. */
export function Teams() {
  const { t, word } = useText();
  const query = useQuery(teamsQuery);
  const inboxes = useQuery(inboxesQuery);
  const { save } = useSave();
  const [edited, setEdited] = useState<TeamOut | null>(null);
  const [adding, setAdding] = useState(false);
  return (
    <Sheet title={t("admin.teams")} intro={t("admin.teams.intro")} action={<Button onClick={() => setAdding(true)}>{t("admin.teams.add")}</Button>}>
      <Read query={query}>
        {({ items }) => (
          <Table label={t("admin.teams")} heads={[t("admin.name"), t("admin.tier"), t("admin.actions")]}>
            {items.map((team) => (
              <tr key={team.id}>
                <th scope="row">{team.name}</th>
                <td>{t(`admin.tier.${team.tier}`)}</td>
                <td>
                  <Button size="compact-sm" variant="light" aria-label={t("admin.editNamed", { name: team.name })} onClick={() => setEdited(team)}>
                    {t("admin.edit")}
                  </Button>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Read>
      <h3 className={classes.section}>{t("admin.modes")}</h3>
      <Read query={inboxes}>
        {({ items }) => (
          <Table label={t("admin.modes")} heads={[t("admin.inbox"), t("admin.mode")]}>
            {items.map((inbox) => (
              <tr key={inbox.id}>
                <th scope="row">
                  {inbox.name} <span className={classes.mark}>{word("channel", inbox.channel)}</span>
                </th>
                <td>
                  <NativeSelect
                    aria-label={t("admin.modeOf", { name: inbox.name })}
                    value={inbox.routing}
                    onChange={(event) => {
                      const mode = event.currentTarget.value as admin.Mode;
                      void save(() => admin.setMode(inbox.id, mode));
                    }}
                    data={MODES.map((value) => ({ value, label: t(`admin.mode.${value}`) }))}
                  />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Read>
      {adding && <NewTeam onClose={() => setAdding(false)} />}
      {edited && <EditTeam id={edited.id} onClose={() => setEdited(null)} />}
    </Sheet>
  );
}

function NewTeam({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const { save, busy } = useSave();
  const [team, setTeam] = useState<NewTeamIn>({ name: "", tier: "1" });
  return (
    <Dialog title={t("admin.teams.add")} onClose={onClose} busy={busy} onSubmit={() => void save(() => admin.addTeam(team)).then((done) => done && onClose())}>
      <NameAndTier team={team} onChange={setTeam} />
    </Dialog>
  );
}

function NameAndTier({ team, onChange }: { team: NewTeamIn; onChange: (team: NewTeamIn) => void }) {
  const { t } = useText();
  return (
    <div className={classes.row}>
      <TextInput data-autofocus required label={t("admin.name")} value={team.name} onChange={(event) => onChange({ ...team, name: event.currentTarget.value })} />
      <NativeSelect
        label={t("admin.tier")}
        value={team.tier}
        onChange={(event) => onChange({ ...team, tier: event.currentTarget.value as NewTeamIn["tier"] })}
        data={TIERS.map((value) => ({ value, label: t(`admin.tier.${value}`) }))}
      />
    </div>
  );
}

function EditTeam({ id, onClose }: { id: string; onClose: () => void }) {
  const { data: team } = useQuery(admin.teamQuery(id));
  const { data: rules } = useQuery(admin.rulesQuery(id));
  return team && rules ? <TeamForm team={team} rules={rules} onClose={onClose} /> : null;
}

function TeamForm({ team, rules, onClose }: { team: TeamDetail; rules: TeamRulesIn; onClose: () => void }) {
  const { t } = useText();
  const { save, busy } = useSave();
  const { data: teams } = useQuery(teamsQuery);
  const { data: skills } = useQuery(admin.skillsQuery);
  const [named, setNamed] = useState<NewTeamIn>({ name: team.name, tier: team.tier });
  const [leads, setLeads] = useState(team.lead_ids);
  const [served, setServed] = useState(rules);

  async function submit() {
    const done = await save(async () => {
      await admin.changeTeam(team.id, { ...named, lead_ids: leads });
      await admin.setRules(team.id, served);
    });
    if (done) onClose();
  }

  return (
    <Dialog title={team.name} onClose={onClose} busy={busy} onSubmit={() => void submit()}>
      <NameAndTier team={named} onChange={setNamed} />
      <Checkbox.Group label={t("admin.leads")} description={t("admin.leads.hint")} value={leads} onChange={setLeads}>
        <div className={classes.row}>
          {team.members.map((member) => (
            <Checkbox key={member.id} value={member.id} label={member.name} />
          ))}
        </div>
      </Checkbox.Group>
      <RulesForm rules={served} onChange={setServed} teams={teams?.items.filter((each) => each.id !== team.id) ?? []} skills={skills?.items ?? []} />
    </Dialog>
  );
}
