import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { ConversationDetail } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { questionsQuery } from "../api/admin";
import * as hub from "../api/hub";
import { keys } from "../api/queries";
import { useText } from "../text";
import classes from "./CheckIdentity.module.css";
import { useDo } from "./useDo";

type Outcome = "unasked" | "right" | "wrong";

/** By which a code can be sent: whoever reads it there holds the address. */
const WITH_CODES = new Set(["sms", "email"]);

/** Who the customer is: the firm's questions, whose answers are kept with the contact, or a code to an address. */
export function CheckIdentity({ detail }: { detail: ConversationDetail }) {
  const { t } = useText();
  const [opened, setOpened] = useState(false);
  if (detail.conversation.merged_into !== null) return null;
  return (
    <div className={classes.check}>
      <Button size="compact-sm" variant="light" aria-expanded={opened} onClick={() => setOpened(!opened)}>
        {t("check.title")}
      </Button>
      {opened && (
        <>
          <Questions detail={detail} />
          <Code detail={detail} />
        </>
      )}
    </div>
  );
}

function Questions({ detail: { conversation, contact } }: { detail: ConversationDetail }) {
  const text = useText();
  const { t, language } = text;
  const fieldsKey = ["contact-fields", contact.id] as const;
  const { data: questions } = useQuery(questionsQuery);
  const { data: kept } = useQuery({ queryKey: fieldsKey, queryFn: () => hub.contactFields(contact.id), staleTime: 0 });
  const { run, busy } = useDo(fieldsKey, keys.conversation(conversation.id));
  const [outcomes, setOutcomes] = useState<Readonly<Record<string, Outcome>>>({});
  if (!questions || !kept) return null;
  if (questions.items.length === 0) return <p className={classes.soft}>{t("check.none")}</p>;
  const asked = Object.keys(outcomes).filter((name) => outcomes[name] !== "unasked");

  async function say() {
    const told = await run(() => hub.answered(conversation.id, asked, asked.filter((name) => outcomes[name] === "right")));
    if (!told) return;
    setOutcomes({});
    notifications.show({ message: t(`verified.${told.level}`), autoClose: 4_000 });
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void say();
      }}
    >
      <ul className={classes.questions}>
        {questions.items.map(({ name, text_en, text_es }) => {
          const words = language === "es" ? text_es : text_en;
          const value = kept.fields[name] ?? "";
          return (
            <li key={name}>
              <p className={classes.question}>{words}</p>
              <Kept key={value} label={t("check.kept", { question: words })} value={value} save={(next) => void run(() => hub.setContactField(contact.id, name, next))} />
              {value !== "" && (
                <SegmentedControl
                  size="xs"
                  fullWidth
                  aria-label={t("check.answer", { question: words })}
                  value={outcomes[name] ?? "unasked"}
                  onChange={(outcome) => setOutcomes({ ...outcomes, [name]: outcome })}
                  data={[
                    { value: "unasked", label: t("check.unasked") },
                    { value: "right", label: t("check.right") },
                    { value: "wrong", label: t("check.wrong") },
                  ]}
                />
              )}
            </li>
          );
        })}
      </ul>
      <p className={classes.soft}>{t("check.rule")}</p>
      <Button size="compact-sm" type="submit" loading={busy} disabled={asked.length === 0}>
        {t("check.say")}
      </Button>
    </form>
  );
}

/** What the firm keeps; saved where it was changed and left. */
function Kept({ label, value, save }: { label: string; value: string; save: (value: string) => void }) {
  const { t } = useText();
  const [typed, setTyped] = useState(value);
  return (
    <TextInput
      size="xs"
      aria-label={label}
      placeholder={t("check.unknown")}
      maxLength={500}
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={() => {
        if (typed.trim() !== value) save(typed.trim());
      }}
    />
  );
}

function Code({ detail: { conversation, ways } }: { detail: ConversationDetail }) {
  const { t } = useText();
  const { run, busy } = useDo(keys.conversation(conversation.id), keys.messages(conversation.id));
  const [sent, setSent] = useState(false);
  const [code, setCode] = useState("");
  const where = ways.filter(({ channel, do_not_contact, limits }) => WITH_CODES.has(channel) && !do_not_contact && limits !== null);
  if (where.length === 0) return null;

  async function check() {
    const told = await run(() => hub.checkCode(conversation.id, code));
    if (!told) return;
    setCode("");
    notifications.show({ message: t(told.right ? "check.codeRight" : "check.codeWrong"), color: told.right ? "green" : "yellow", autoClose: 4_000 });
  }

  return (
    <div className={classes.code}>
      {where.map((way) => (
        <Button
          key={`${way.inbox_id} ${way.identity_id}`}
          size="compact-sm"
          variant="default"
          loading={busy}
          onClick={() => void run(() => hub.sendCode(conversation.id, way.inbox_id, way.identity_id)).then((done) => setSent(done !== null))}
        >
          {t("check.sendCode", { address: way.address_display })}
        </Button>
      ))}
      {sent && (
        <form
          className={classes.typed}
          onSubmit={(event) => {
            event.preventDefault();
            void check();
          }}
        >
          <TextInput size="xs" inputMode="numeric" autoComplete="off" label={t("check.code")} value={code} onChange={(event) => setCode(event.currentTarget.value)} />
          <Button size="compact-sm" type="submit" loading={busy} disabled={code.trim() === ""}>
            {t("check.checkCode")}
          </Button>
        </form>
      )}
    </div>
  );
}
