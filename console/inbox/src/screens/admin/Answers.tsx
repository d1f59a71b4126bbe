import { Button, Checkbox, NumberInput } from "@mantine/core";
import type { AnsweringIn, AnsweringOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import * as admin from "../../api/admin";
import { useText } from "../../text";
import classes from "./Admin.module.css";
import { number } from "./forms";
import { Dialog, Read, Sheet, Table, useSave } from "./parts";

const percent = (share: number) => Math.round(share * 100);

/** How sure an answer must be before an inbox gives it by itself. */
export function Answers() {
  const { t } = useText();
  const query = useQuery(admin.answeringQuery);
  const [edited, setEdited] = useState<AnsweringOut | null>(null);
  return (
    <Sheet title={t("admin.answers")} intro={t("admin.answers.intro")}>
      <Read query={query}>
        {({ items }) => (
          <Table label={t("admin.answers")} heads={[t("admin.inbox"), t("admin.answers.target"), t("admin.answers.misses"), t("admin.actions")]}>
            {items.map((inbox) => (
              <tr key={inbox.inbox_id}>
                <th scope="row">{inbox.name}</th>
                <td>{described(inbox, t)}</td>
                <td>{inbox.misses}</td>
                <td>
                  <Button size="compact-sm" variant="light" aria-label={t("admin.editNamed", { name: inbox.name })} onClick={() => setEdited(inbox)}>
                    {t("admin.edit")}
                  </Button>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Read>
      {edited && <AnswersForm inbox={edited} onClose={() => setEdited(null)} />}
    </Sheet>
  );
}

const rulesOf = ({ target_precision, knowledge, intent, mail, mail_intent, misses, articles_first }: AnsweringOut): AnsweringIn => {
  return { target_precision, knowledge, intent, mail, mail_intent, misses, articles_first };
};

function described(inbox: AnsweringOut, t: ReturnType<typeof useText>["t"]): string {
  if (!inbox.bot) return t("admin.answers.off");
  if (inbox.target_precision) return t("admin.answers.aims", { percent: percent(inbox.target_precision) });
  return t("admin.answers.from", { percent: percent(inbox.knowledge) });
}

function AnswersForm({ inbox, onClose }: { inbox: AnsweringOut; onClose: () => void }) {
  const { t } = useText();
  const { save, busy } = useSave();
  const { inbox_id, name, channel } = inbox;
  const [values, setValues] = useState(() => rulesOf(inbox));
  const set = (part: Partial<AnsweringIn>) => setValues({ ...values, ...part });
  const share = (field: "knowledge" | "intent" | "mail" | "mail_intent") => (
    <NumberInput
      label={t(`admin.answers.${field}`)}
      description={t("admin.answers.percent")}
      min={0}
      max={100}
      value={percent(values[field])}
      onChange={(value) => set({ [field]: number(value) / 100 })}
    />
  );
  return (
    <Dialog title={name} onClose={onClose} busy={busy} onSubmit={() => void save(() => admin.setAnswering(inbox_id, values)).then((done) => done && onClose())}>
      <Checkbox
        data-autofocus
        label={t("admin.answers.byTarget")}
        description={t("admin.answers.byTarget.hint")}
        checked={values.target_precision > 0}
        onChange={(event) => set({ target_precision: event.currentTarget.checked ? 0.9 : 0 })}
      />
      <div className={classes.row}>
        {values.target_precision > 0 ? (
          <NumberInput
            label={t("admin.answers.target")}
            description={t("admin.answers.target.hint")}
            min={1}
            max={100}
            value={percent(values.target_precision)}
            onChange={(value) => set({ target_precision: number(value, 90) / 100 })}
          />
        ) : (
          share("knowledge")
        )}
        {share("intent")}
      </div>
      {channel === "email" && (
        <div className={classes.row}>
          {share("mail")}
          {share("mail_intent")}
        </div>
      )}
      <NumberInput label={t("admin.answers.misses")} description={t("admin.answers.misses.hint")} min={1} max={10} value={values.misses} onChange={(value) => set({ misses: number(value, 2) })} />
      <Checkbox label={t("admin.answers.articlesFirst")} checked={values.articles_first} onChange={(event) => set({ articles_first: event.currentTarget.checked })} />
    </Dialog>
  );
}
