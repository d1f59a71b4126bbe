import { Button, NativeSelect, TextInput } from "@mantine/core";
import type { IdentityQuestionOut, ReasonOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import * as admin from "../../api/admin";
import { presenceReasonsQuery } from "../../api/queries";
import { useText } from "../../text";
import classes from "./Admin.module.css";
import { Dialog, Read, Sheet, Table, useSave } from "./parts";

const PRESENCES = ["available", "busy", "wrap_up", "break"] as const;

/** What people may give as the reason of their presence, in both languages. */
export function Reasons() {
  const { t, language } = useText();
  const query = useQuery(presenceReasonsQuery);
  const { save } = useSave();
  const [edited, setEdited] = useState<ReasonOut | "new" | null>(null);
  return (
    <Sheet title={t("admin.reasons")} intro={t("admin.reasons.intro")} action={<Button onClick={() => setEdited("new")}>{t("admin.add")}</Button>}>
      <Read query={query}>
        {({ items }) => (
          <Table label={t("admin.reasons")} heads={[t("admin.name"), t("presence.label"), t("admin.actions")]}>
            {items.map((reason) => {
              const name = reason[language === "es" ? "name_es" : "name_en"];
              return (
                <tr key={reason.code}>
                  <th scope="row">{name}</th>
                  <td>{t(`presence.${reason.presence}`)}</td>
                  <td>
                    <Actions name={name} onEdit={() => setEdited(reason)} onRemove={() => void save(() => admin.removeReason(reason.code))} />
                  </td>
                </tr>
              );
            })}
          </Table>
        )}
      </Read>
      {edited && <ReasonForm reason={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </Sheet>
  );
}

function Actions({ name, onEdit, onRemove }: { name: string; onEdit: () => void; onRemove: () => void }) {
  const { t } = useText();
  return (
    <div className={classes.row}>
      <Button size="compact-sm" variant="light" aria-label={t("admin.editNamed", { name })} onClick={onEdit}>
        {t("admin.edit")}
      </Button>
      <Button size="compact-sm" variant="default" aria-label={t("admin.removeNamed", { name })} onClick={onRemove}>
        {t("admin.remove")}
      </Button>
    </div>
  );
}

function ReasonForm({ reason, onClose }: { reason: ReasonOut | null; onClose: () => void }) {
  const { t } = useText();
  const { save, busy } = useSave();
  const [values, setValues] = useState<ReasonOut>(reason ?? { code: "", presence: "break", name_en: "", name_es: "", position: 10 });
  const set = (part: Partial<ReasonOut>) => setValues({ ...values, ...part });
  const { code, ...body } = values;
  return (
    <Dialog title={t("admin.reasons")} onClose={onClose} busy={busy} onSubmit={() => void save(() => admin.setReason(code, body)).then((done) => done && onClose())}>
      <div className={classes.row}>
        <TextInput data-autofocus required disabled={reason !== null} label={t("admin.code")} description={t("admin.code.hint")} value={code} onChange={(event) => set({ code: event.currentTarget.value })} />
        <NativeSelect
          label={t("presence.label")}
          value={values.presence}
          onChange={(event) => set({ presence: event.currentTarget.value as ReasonOut["presence"] })}
          data={PRESENCES.map((value) => ({ value, label: t(`presence.${value}`) }))}
        />
      </div>
      <div className={classes.row}>
        <TextInput required label={t("admin.inEnglish")} value={values.name_en} onChange={(event) => set({ name_en: event.currentTarget.value })} />
        <TextInput required label={t("admin.inSpanish")} value={values.name_es} onChange={(event) => set({ name_es: event.currentTarget.value })} />
      </div>
    </Dialog>
  );
}

/** What agents ask to learn who somebody is. */
export function Questions() {
  const { t, language } = useText();
  const query = useQuery(admin.questionsQuery);
  const { save } = useSave();
  const [edited, setEdited] = useState<IdentityQuestionOut | "new" | null>(null);
  return (
    <Sheet title={t("admin.questions")} intro={t("admin.questions.intro")} action={<Button onClick={() => setEdited("new")}>{t("admin.add")}</Button>}>
      <Read query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <p>{t("admin.questions.none")}</p>
          ) : (
            <Table label={t("admin.questions")} heads={[t("admin.question"), t("admin.field"), t("admin.actions")]}>
              {items.map((question) => (
                <tr key={question.name}>
                  <th scope="row">{question[language === "es" ? "text_es" : "text_en"]}</th>
                  <td>{question.name}</td>
                  <td>
                    <Actions name={question.name} onEdit={() => setEdited(question)} onRemove={() => void save(() => admin.removeQuestion(question.name))} />
                  </td>
                </tr>
              ))}
            </Table>
          )
        }
      </Read>
      {edited && <QuestionForm question={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </Sheet>
  );
}

function QuestionForm({ question, onClose }: { question: IdentityQuestionOut | null; onClose: () => void }) {
  const { t } = useText();
  const { save, busy } = useSave();
  const [values, setValues] = useState<IdentityQuestionOut>(question ?? { name: "", text_en: "", text_es: "", position: 0 });
  const set = (part: Partial<IdentityQuestionOut>) => setValues({ ...values, ...part });
  const { name, ...body } = values;
  return (
    <Dialog title={t("admin.questions")} onClose={onClose} busy={busy} onSubmit={() => void save(() => admin.setQuestion(name, body)).then((done) => done && onClose())}>
      <TextInput data-autofocus required disabled={question !== null} label={t("admin.field")} description={t("admin.code.hint")} value={name} onChange={(event) => set({ name: event.currentTarget.value })} />
      <TextInput required label={t("admin.inEnglish")} value={values.text_en} onChange={(event) => set({ text_en: event.currentTarget.value })} />
      <TextInput required label={t("admin.inSpanish")} value={values.text_es} onChange={(event) => set({ text_es: event.currentTarget.value })} />
    </Dialog>
  );
}
