import { Button, NativeSelect, TextInput } from "@mantine/core";
import type { AgentOut, MemberOut, SkillIn } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import * as admin from "../../api/admin";
import { agentsQuery, teamsQuery } from "../../api/queries";
import { useText } from "../../text";
import classes from "./Admin.module.css";
import { MemberForm } from "./forms";
import { Dialog, Read, Sheet, Table, useSave } from "./parts";

/** The skills of the house, and what each person can do, and how much at once. */
export function Skills() {
  const { t } = useText();
  const skills = useQuery(admin.skillsQuery);
  const agents = useQuery(agentsQuery);
  const { save, busy } = useSave();
  const [edited, setEdited] = useState<AgentOut | null>(null);
  const [name, setName] = useState("");
  const [kind, setKind] = useState<NonNullable<SkillIn["kind"]>>("topic");
  return (
    <Sheet title={t("admin.skills")} intro={t("admin.skills.intro")}>
      <form
        className={classes.row}
        onSubmit={(event) => {
          event.preventDefault();
          void save(() => admin.setSkill(name.trim(), { kind })).then((done) => done && setName(""));
        }}
      >
        <TextInput required label={t("admin.skill")} description={t("admin.skill.hint")} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <NativeSelect
          label={t("admin.kind")}
          value={kind}
          onChange={(event) => setKind(event.currentTarget.value as typeof kind)}
          data={(["topic", "language"] as const).map((value) => ({ value, label: t(`admin.kind.${value}`) }))}
        />
        <Button type="submit" loading={busy}>
          {t("admin.add")}
        </Button>
      </form>
      <Read query={skills}>
        {({ items }) => (
          <Table label={t("admin.skills")} heads={[t("admin.skill"), t("admin.kind"), t("admin.actions")]}>
            {items.map((skill) => (
              <tr key={skill.name}>
                <th scope="row">{skill.name}</th>
                <td>{t(`admin.kind.${skill.kind}`)}</td>
                <td>
                  <Button
                    size="compact-sm"
                    variant="default"
                    aria-label={t("admin.removeNamed", { name: skill.name })}
                    onClick={() => void save(() => admin.removeSkill(skill.name))}
                  >
                    {t("admin.remove")}
                  </Button>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Read>
      <h3 className={classes.section}>{t("floor.people")}</h3>
      <Read query={agents}>
        {({ items }) => (
          <Table label={t("floor.people")} heads={[t("floor.agent"), t("admin.role"), t("admin.actions")]}>
            {items.map((agent) => (
              <tr key={agent.id}>
                <th scope="row">{agent.name}</th>
                <td>{t(`role.${agent.role}`)}</td>
                <td>
                  <Button size="compact-sm" variant="light" aria-label={t("admin.editNamed", { name: agent.name })} onClick={() => setEdited(agent)}>
                    {t("admin.edit")}
                  </Button>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Read>
      {edited && <EditMember agent={edited} onClose={() => setEdited(null)} />}
    </Sheet>
  );
}

function EditMember({ agent, onClose }: { agent: AgentOut; onClose: () => void }) {
  const { data } = useQuery(admin.memberQuery(agent.id));
  return data ? <Member agent={agent} known={data} onClose={onClose} /> : null;
}

function Member({ agent, known, onClose }: { agent: AgentOut; known: MemberOut; onClose: () => void }) {
  const { save, busy } = useSave();
  const { data: teams } = useQuery(teamsQuery);
  const { data: skills } = useQuery(admin.skillsQuery);
  const [member, setMember] = useState<Parameters<typeof admin.setMember>[1]>(known);
  return (
    <Dialog title={agent.name} onClose={onClose} busy={busy} onSubmit={() => void save(() => admin.setMember(agent.id, member)).then((done) => done && onClose())}>
      <MemberForm member={member} onChange={setMember} teams={teams?.items ?? []} skills={skills?.items ?? []} />
    </Dialog>
  );
}
