import { Button, Checkbox, CopyButton, NativeSelect, TextInput } from "@mantine/core";
import type { InvitationOut, NewPersonIn, PersonOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import * as admin from "../../api/admin";
import { teamsQuery } from "../../api/queries";
import { brief } from "../../format/time";
import { LANGUAGES, useText } from "../../text";
import classes from "./Admin.module.css";
import { Dialog, Read, Sheet, Table, useSave } from "./parts";

const ROLES = ["agent", "team_lead", "supervisor", "editor", "administrator"] as const;
const NOBODY: NewPersonIn = { name: "", email: "", role: "agent", language: "es", team_ids: [] };

/** Who signs in: adding people, their roles, their invitations, ending their access. */
export function People() {
  const { t } = useText();
  const query = useQuery(admin.peopleQuery);
  const { data: teams } = useQuery(teamsQuery);
  const [edited, setEdited] = useState<PersonOut | "new" | null>(null);
  const nameOf = (id: string) => teams?.items.find((team) => team.id === id)?.name ?? "";
  return (
    <Sheet
      title={t("admin.people")}
      intro={t("admin.people.intro")}
      action={<Button onClick={() => setEdited("new")}>{t("admin.people.add")}</Button>}
    >
      <Read query={query}>
        {({ items }) => (
          <Table label={t("admin.people")} heads={[t("admin.name"), t("admin.email"), t("admin.role"), t("nav.teams"), t("admin.state"), t("admin.actions")]}>
            {items.map((person) => (
              <tr key={person.id}>
                <th scope="row">{person.name}</th>
                <td>{person.email}</td>
                <td>{t(`role.${person.role}`)}</td>
                <td>{person.team_ids.map(nameOf).join(", ") || "–"}</td>
                <td>{person.disabled ? t("admin.disabled") : person.invited ? t("admin.invited") : t("admin.active")}</td>
                <td>
                  <Button size="compact-sm" variant="light" aria-label={t("admin.editNamed", { name: person.name })} onClick={() => setEdited(person)}>
                    {t("admin.edit")}
                  </Button>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Read>
      {edited && <PersonForm person={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </Sheet>
  );
}

function PersonForm({ person, onClose }: { person: PersonOut | null; onClose: () => void }) {
  const text = useText();
  const { t, languageName } = text;
  const { save, busy } = useSave();
  const { data: teams } = useQuery(teamsQuery);
  const [values, setValues] = useState<NewPersonIn & { disabled: boolean }>({ ...NOBODY, disabled: false, ...(person && pick(person)) });
  const [invitation, setInvitation] = useState<InvitationOut | null>(null);
  const set = (part: Partial<typeof values>) => setValues({ ...values, ...part });

  async function submit() {
    if (invitation && !person) {
      onClose();
      return;
    }
    const { team_ids, disabled, ...who } = values;
    if (person) {
      if (await save(() => admin.changePerson(person.id, { ...who, disabled }))) onClose();
    } else {
      let made: InvitationOut | null = null;
      const done = await save(async () => {
        const { id } = await admin.addPerson({ ...who, team_ids });
        made = await admin.invite(id);
      });
      if (done) setInvitation(made);
    }
  }

  return (
    <Dialog title={person ? person.name : t("admin.people.add")} onClose={onClose} onSubmit={() => void submit()} busy={busy}>
      <div className={classes.row}>
        <TextInput data-autofocus required label={t("admin.name")} value={values.name} onChange={(event) => set({ name: event.currentTarget.value })} />
        <TextInput required type="email" label={t("admin.email")} value={values.email} onChange={(event) => set({ email: event.currentTarget.value })} />
      </div>
      <div className={classes.row}>
        <NativeSelect
          label={t("admin.role")}
          value={values.role}
          onChange={(event) => set({ role: event.currentTarget.value as NewPersonIn["role"] })}
          data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))}
        />
        <NativeSelect
          label={t("settings.language")}
          value={values.language}
          onChange={(event) => set({ language: event.currentTarget.value })}
          data={LANGUAGES.map((value) => ({ value, label: languageName(value) }))}
        />
      </div>
      {!person && teams && (
        <Checkbox.Group label={t("nav.teams")} value={values.team_ids} onChange={(team_ids) => set({ team_ids })}>
          <div className={classes.row}>
            {teams.items.map(({ id, name }) => (
              <Checkbox key={id} value={id} label={name} />
            ))}
          </div>
        </Checkbox.Group>
      )}
      {person && <Checkbox label={t("admin.disable")} checked={values.disabled} onChange={(event) => set({ disabled: event.currentTarget.checked })} />}
      {person && !person.disabled && !invitation && (
        <div>
          <Button
            variant="light"
            loading={busy}
            onClick={() => void save(async () => setInvitation(await admin.invite(person.id)), t("admin.invitation.made"))}
          >
            {t("admin.invitation")}
          </Button>
        </div>
      )}
      {invitation && (
        <div role="status">
          <p>{t("admin.invitation.give", { until: brief(invitation.until, text) })}</p>
          <p className={classes.link}>{invitation.link}</p>
          <CopyButton value={invitation.link}>
            {({ copied, copy }) => (
              <Button size="compact-sm" variant="default" onClick={copy}>
                {copied ? t("admin.copied") : t("admin.copy")}
              </Button>
            )}
          </CopyButton>
        </div>
      )}
    </Dialog>
  );
}

const pick = ({ name, email, role, language, disabled }: PersonOut) => ({ name, email, role, language, disabled });
