import { Button, Checkbox, NumberInput, Textarea, TextInput } from "@mantine/core";
import type { PolicyIn, PolicyOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import * as admin from "../../api/admin";
import { inboxesQuery, teamsQuery } from "../../api/queries";
import { useText } from "../../text";
import classes from "./Admin.module.css";
import { number, without } from "./forms";
import { Dialog, Read, Sheet, Table, useSave } from "./parts";

const CLOCKS = ["first_response", "next_response", "resolution"] as const;
const PAUSES = ["customer", "vendor", "snoozed"] as const;
const PRIORITIES = ["none", "low", "medium", "high", "urgent"] as const;
const NEW: PolicyIn = {
  name: "",
  position: 0,
  targets: { first_response: 3_600 },
  pauses: [...PAUSES],
  warn_share: 0.8,
  inbox_ids: [],
  team_ids: [],
  priorities: [],
  contact_fields: {},
};

/** What is promised to customers: for which conversations, how soon, and when the clocks stand still. */
export function Promises() {
  const { t } = useText();
  const query = useQuery(admin.policiesQuery);
  const { save } = useSave();
  const [edited, setEdited] = useState<PolicyOut | "new" | null>(null);
  return (
    <Sheet title={t("admin.promises")} intro={t("admin.promises.intro")} action={<Button onClick={() => setEdited("new")}>{t("admin.promises.add")}</Button>}>
      <Read query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <p>{t("admin.promises.none")}</p>
          ) : (
            <Table label={t("admin.promises")} heads={[t("admin.position"), t("admin.name"), ...CLOCKS.map((clock) => t(`admin.clock.${clock}`)), t("admin.actions")]}>
              {items.map((policy) => (
                <tr key={policy.policy_id}>
                  <td>{policy.position}</td>
                  <th scope="row">{policy.name}</th>
                  {CLOCKS.map((clock) => (
                    <td key={clock}>{policy.targets[clock] ? t("admin.minutesOf", { minutes: Math.round(policy.targets[clock] / 60) }) : "–"}</td>
                  ))}
                  <td>
                    <div className={classes.row}>
                      <Button size="compact-sm" variant="light" aria-label={t("admin.editNamed", { name: policy.name })} onClick={() => setEdited(policy)}>
                        {t("admin.edit")}
                      </Button>
                      <Button size="compact-sm" variant="default" aria-label={t("admin.removeNamed", { name: policy.name })} onClick={() => void save(() => admin.withdrawPolicy(policy.policy_id))}>
                        {t("admin.remove")}
                      </Button>
                    </div>
                  </td>
                </tr>
              ))}
            </Table>
          )
        }
      </Read>
      {edited && <PolicyForm policy={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </Sheet>
  );
}

function PolicyForm({ policy, onClose }: { policy: PolicyOut | null; onClose: () => void }) {
  const { t } = useText();
  const { save, busy } = useSave();
  const { data: teams } = useQuery(teamsQuery);
  const { data: inboxes } = useQuery(inboxesQuery);
  const [id, known] = policy ? (({ policy_id, ...others }: PolicyOut) => [policy_id, others] as const)(policy) : ["", NEW];
  const [values, setValues] = useState<PolicyIn>(known);
  const [fields, setFields] = useState(() =>
    Object.entries(values.contact_fields)
      .map(([name, value]) => `${name}=${value}`)
      .join("\n"),
  );
  const set = (part: Partial<PolicyIn>) => setValues({ ...values, ...part });

  function submit() {
    const pairs = fields.split("\n").flatMap((line): [string, string][] => {
      const [name = "", ...value] = line.split("=");
      return name.trim() ? [[name.trim(), value.join("=").trim()]] : [];
    });
    void save(() => admin.savePolicy(id, { ...values, contact_fields: Object.fromEntries(pairs) })).then((done) => done && onClose());
  }

  return (
    <Dialog title={policy?.name ?? t("admin.promises.add")} onClose={onClose} busy={busy} onSubmit={submit}>
      <div className={classes.row}>
        <TextInput data-autofocus required label={t("admin.name")} value={values.name} onChange={(event) => set({ name: event.currentTarget.value })} />
        <NumberInput label={t("admin.position")} description={t("admin.position.hint")} min={0} value={values.position} onChange={(value) => set({ position: number(value) })} />
      </div>
      <div className={classes.row}>
        {CLOCKS.map((clock) => (
          <NumberInput
            key={clock}
            label={t(`admin.clock.${clock}`)}
            description={t("admin.minutes")}
            min={1}
            value={values.targets[clock] ? values.targets[clock] / 60 : ""}
            onChange={(value) => {
              const others = without(values.targets, clock);
              set({ targets: value === "" ? others : { ...others, [clock]: Math.round(number(value) * 60) } });
            }}
          />
        ))}
        <NumberInput
          label={t("admin.warnShare")}
          description={t("admin.percent")}
          min={1}
          max={99}
          value={Math.round(values.warn_share * 100)}
          onChange={(value) => set({ warn_share: number(value, 80) / 100 })}
        />
      </div>
      <Choices label={t("admin.pauses")} value={values.pauses} onChange={(pauses) => set({ pauses })} data={PAUSES.map((value) => [value, t(`admin.pause.${value}`)])} />
      <Choices label={t("admin.forPriorities")} value={values.priorities} onChange={(priorities) => set({ priorities })} data={PRIORITIES.map((value) => [value, t(`priority.${value}`)])} />
      <Choices label={t("admin.forTeams")} value={values.team_ids} onChange={(team_ids) => set({ team_ids })} data={(teams?.items ?? []).map(({ id, name }) => [id, name])} />
      <Choices label={t("admin.forInboxes")} value={values.inbox_ids} onChange={(inbox_ids) => set({ inbox_ids })} data={(inboxes?.items ?? []).map(({ id, name }) => [id, name])} />
      <Textarea label={t("admin.forContacts")} description={t("admin.forContacts.hint")} autosize value={fields} onChange={(event) => setFields(event.currentTarget.value)} />
    </Dialog>
  );
}

function Choices<Value extends string>({ label, value, onChange, data }: { label: string; value: Value[]; onChange: (value: Value[]) => void; data: [Value, string][] }) {
  return (
    <Checkbox.Group label={label} value={value} onChange={onChange}>
      <div className={classes.row}>
        {data.map(([id, name]) => (
          <Checkbox key={id} value={id} label={name} />
        ))}
      </div>
    </Checkbox.Group>
  );
}
