import { Collapse, Popover, UnstyledButton } from "@mantine/core";
import type { ConversationOut, LetterOut, MessageOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";

import { sourceUrl } from "../api/hub";
import { bodyQuery } from "../api/queries";
import { IconChevronDown, IconChevronUp, IconDownload, IconInfoCircle, IconMail, IconRobot } from "../parts/icons";
import { Failed, Loading } from "../parts/Pane";
import { useText } from "../text";
import { Claims } from "./Claims";
import { HtmlMail } from "./HtmlMail";
import classes from "./Letter.module.css";
import message from "./Message.module.css";

interface LetterProps {
  message: MessageOut;
  letter: LetterOut;
  conversation: ConversationOut;
}

/** Whether a mail has another subject than its conversation, apart from prefixes and our number. */
export function hasOwnSubject(letter: LetterOut, { subject }: ConversationOut): boolean {
  return letter.subject !== "" && (subject === "" || !letter.subject.toLowerCase().includes(subject.toLowerCase()));
}

/** What stands above a mail's text: another subject, and that a program wrote it. */
export function LetterHead({ letter, conversation }: Omit<LetterProps, "message">) {
  const { t, word } = useText();
  const subject = hasOwnSubject(letter, conversation);
  if (!subject && letter.robot === "") return null;
  return (
    <div className={classes.head}>
      {subject && (
        <p className={classes.subject}>
          <span className={classes.soft}>{t("mail.subject")}</span> {letter.subject}
        </p>
      )}
      {letter.robot !== "" && (
        <span className={classes.robot}>
          <IconRobot size={14} aria-hidden /> {word("robot", letter.robot)}
        </span>
      )}
    </div>
  );
}

/** What stands below a mail's text: the whole of it, as it was sent, its source, what was repaired, what it claims. */
export function LetterFoot({ message: { id }, letter, conversation }: LetterProps) {
  const { t } = useText();
  const [whole, setWhole] = useState(false);
  const [asSent, setAsSent] = useState(false);
  const [notes, setNotes] = useState(false);
  const [wholeId, notesId] = [useId(), useId()];
  return (
    <>
      <ul className={classes.actions}>
        {letter.has_more && (
          <li>
            <UnstyledButton className={classes.action} aria-expanded={whole} aria-controls={wholeId} onClick={() => setWhole(!whole)}>
              {whole ? <IconChevronUp size={14} aria-hidden /> : <IconChevronDown size={14} aria-hidden />}
              {t(whole ? "mail.less" : "mail.whole")}
            </UnstyledButton>
          </li>
        )}
        {letter.has_html && (
          <li>
            <UnstyledButton className={classes.action} aria-haspopup="dialog" onClick={() => setAsSent(true)}>
              <IconMail size={14} aria-hidden /> {t("mail.asSent")}
            </UnstyledButton>
          </li>
        )}
        <li>
          <a className={classes.action} href={sourceUrl(id)} download>
            <IconDownload size={14} aria-hidden /> {t("mail.source")}
          </a>
        </li>
        {letter.notes.length > 0 && (
          <li>
            <UnstyledButton className={classes.action} aria-expanded={notes} aria-controls={notesId} onClick={() => setNotes(!notes)}>
              <IconInfoCircle size={14} aria-hidden /> {t("mail.notes")}
            </UnstyledButton>
          </li>
        )}
      </ul>
      <Collapse expanded={notes} id={notesId}>
        <Notes notes={letter.notes} />
      </Collapse>
      <Collapse expanded={whole} id={wholeId}>
        {whole && <Whole id={id} />}
      </Collapse>
      {letter.claims.length > 0 && <Claims letter={letter} conversation={conversation} />}
      <HtmlMail id={id} subject={letter.subject} opened={asSent} onClose={() => setAsSent(false)} />
    </>
  );
}

function Notes({ notes }: { notes: string[] }) {
  const { known } = useText();
  return (
    <ul className={classes.notes}>
      {notes.map((note) => (
        <li key={note}>{known("mailNote", note) ?? note}</li>
      ))}
    </ul>
  );
}

function Whole({ id }: { id: string }) {
  const { t } = useText();
  const query = useQuery(bodyQuery(id));
  if (query.isError && !query.data) return <Failed error={query.error} again={() => void query.refetch()} />;
  if (!query.data) return <Loading lines={3} height={18} />;
  return (
    // A long mail scrolls within its frame, also with the keyboard alone.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className={classes.whole} tabIndex={0} aria-label={t("mail.wholeLabel")}>
      {query.data.whole}
    </pre>
  );
}

/** By what a mail came to its conversation, and what matched. */
export function PlacedBy({ letter }: { letter: LetterOut }) {
  const { t } = useText();
  return (
    <Popover width={300} shadow="md" position="top" trapFocus>
      <Popover.Target>
        <UnstyledButton className={message.why} aria-label={t("thread.why")} title={t("thread.why")}>
          <IconInfoCircle size={15} aria-hidden />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown className={message.rule ?? ""}>
        {t(`mailRule.${letter.rule}`)}
        {/* A conversation's own id says nothing to people. */}
        {letter.evidence !== "" && letter.rule !== "token" && <span className={classes.evidence}>{letter.evidence}</span>}
      </Popover.Dropdown>
    </Popover>
  );
}

