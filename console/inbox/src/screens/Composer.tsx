import { ActionIcon, Button, CloseButton, Progress, SegmentedControl, Textarea, UnstyledButton } from "@mantine/core";
import type { ConversationDetail } from "@centralita/shared/api";
import { IconPaperclip, IconSend2 } from "../parts/icons";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState, type DragEvent, type KeyboardEvent } from "react";

import { explain } from "../actions/explain";
import { newMessage, send } from "../actions/send";
import { useUploads, type Upload } from "../actions/upload";
import { fileSize, share } from "../format/number";
import { tellTyping } from "../live/connection";
import { useNow } from "../parts/Since";
import { useShortcuts } from "../parts/useShortcuts";
import { useSmsCount } from "../parts/useSmsCount";
import { setDraft, useDraft } from "../session/drafts";
import { fileObjection, type Way } from "../session/ways";
import { useText, type Text } from "../text";
import classes from "./Composer.module.css";
import { ContinueOn } from "./ContinueOn";
import { Forbidden } from "./Forbidden";
import { LetterEnvelope, LetterSignature } from "./LetterHint";
import { SmsHint } from "./SmsHint";
import { wayName, WayPicker } from "./WayPicker";
import { isOpen, WindowHint } from "./WindowHint";

/** What the hub takes in one message. */
const LIMIT = 20_000;
/** From this share of the limit on, the room that is left is told. */
const NEARLY_FULL = 0.8;
const TELL_TYPING_EVERY = 2_500;
/** The component takes its own description for the only one, and drops ours. */
const OUR_ARIA = { withAria: false };

/** Where a slip of the Enter key cannot be taken back so easily, or the key is needed for new lines, it does not send. */
function enterSends(channel: string): boolean {
  return channel !== "email" && !window.matchMedia("(pointer: coarse)").matches;
}

export function Composer({ detail, ways }: { detail: ConversationDetail; ways: Way[] }) {
  const text = useText();
  const { t, word, counted: count } = text;
  const { conversation, contact } = detail;
  const client = useQueryClient();
  const draft = useDraft(conversation.id);
  const { uploads, add, remove, clear } = useUploads();
  const [picked, setPicked] = useState<string | null>(null);
  const [dropping, setDropping] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const hintId = useId();
  const stopTyping = useTypingSignal(conversation.id);

  const isNote = draft.kind === "note";
  const last = ways.find(({ isLast }) => isLast) ?? ways[0];
  const chosen = ways.find(({ key }) => key === picked) ?? last;
  const way = isNote ? undefined : chosen;
  const channel = isNote ? "note" : (way?.channel ?? conversation.channel);
  const limit = way?.limits?.text ?? LIMIT;
  const over = draft.text.length - limit;
  const attached = uploads.flatMap(({ done }) => (done ? [done] : []));
  const uploading = uploads.some(({ done, error }) => !done && !error);
  const objected = way !== undefined && uploads.some(({ file }) => fileObjection(file, way) !== null);
  const now = useNow();
  const open = isNote || (!!way?.limits && !way.forbidden && isOpen(way, now));
  const ready = open && !uploading && !objected && over <= 0 && (draft.text.trim() !== "" || attached.length > 0);
  // A message with a picture goes out as MMS, which knows no segments.
  const counted = useSmsCount(draft.text, way?.limits?.segmented === true && uploads.length === 0);

  const write = (kind: "reply" | "note") => {
    setDraft(conversation.id, { ...draft, kind });
    field.current?.focus();
  };
  useShortcuts({ r: () => write("reply"), n: () => write("note") });

  function submit() {
    if (!ready) return;
    const message = newMessage({
      conversationId: conversation.id,
      kind: draft.kind,
      text: draft.text.trim(),
      attachments: attached,
      // Where the customer writes by another way meanwhile, the answer goes by the one that stood here.
      inboxId: way?.inboxId ?? null,
      identityId: way?.identityId ?? null,
    });
    setDraft(conversation.id, { kind: draft.kind, text: "" });
    clear();
    stopTyping.now();
    void send(client, message);
    field.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Escape") field.current?.blur();
    // While a word is being composed, Enter belongs to the input method.
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
    if (event.ctrlKey || event.metaKey || (enterSends(channel) && !event.shiftKey)) {
      event.preventDefault();
      submit();
    }
  }

  function onDrop(event: DragEvent) {
    event.preventDefault();
    setDropping(false);
    add(event.dataTransfer.files);
  }

  function find(character: string) {
    const box = field.current;
    const at = draft.text.indexOf(character);
    if (!box || at < 0) return;
    box.focus();
    box.setSelectionRange(at, at + character.length);
  }

  const hint = () => {
    if (over > 0) return t("composer.tooLong", { count: over });
    const keys = t(enterSends(channel) ? "composer.enterSends" : "composer.ctrlEnterSends");
    if (counted) return `${count("sms.count", counted.segments)} · ${count("composer.left", counted.left)}`;
    return draft.text.length > limit * NEARLY_FULL ? count("composer.left", -over) : keys;
  };

  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- dropping files is a short cut to the button
    <section
      aria-label={t("composer.label")}
      className={classes.composer}
      data-note={isNote || undefined}
      data-dropping={dropping || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={(event) => !event.currentTarget.contains(event.relatedTarget as Node | null) && setDropping(false)}
      onDrop={onDrop}
    >
      <div className={classes.bar}>
        <SegmentedControl
          size="xs"
          value={draft.kind}
          onChange={(kind) => write(kind)}
          data={[
            { value: "reply" as const, label: t("composer.reply") },
            { value: "note" as const, label: t("composer.note") },
          ]}
        />
        {way && <WayPicker ways={ways} chosen={way} choose={setPicked} />}
        {!isNote && conversation.status === "resolved" && <span className={classes.hint}>{t("composer.resolved")}</span>}
      </div>
      {way && last && way !== last && (
        <p className={classes.otherWay}>
          {t("composer.otherWay", { last: word("channel", last.channel), way: wayName(way, text) })}{" "}
          <UnstyledButton className={classes.link} onClick={() => setPicked(null)}>
            {t("composer.lastWay", { last: word("channel", last.channel) })}
          </UnstyledButton>
        </p>
      )}
      {way && !way.forbidden && <LetterEnvelope way={way} />}
      {way && !way.forbidden && <WindowHint way={way} conversationId={conversation.id} />}
      {way && !way.limits && <p className={classes.otherWay}>{t("composer.cannotUse", { channel: word("channel", way.channel) })}</p>}
      {!isNote && !way && <p className={classes.otherWay}>{t("composer.noWay")}</p>}
      {way?.forbidden ? (
        <Forbidden way={way} ways={ways} conversation={conversation} name={contact.name} choose={setPicked} />
      ) : (
        <>
          <Textarea
            ref={field}
            variant="unstyled"
            autosize
            minRows={2}
            maxRows={12}
            aria-label={isNote ? t("composer.note") : t("composer.replyTo", { name: contact.name || t("thread.customer") })}
            {...OUR_ARIA}
            aria-describedby={hintId}
            placeholder={
              dropping
                ? t("composer.drop")
                : isNote
                  ? t("composer.notePlaceholder")
                  : t("composer.replyTo", { name: contact.name || t("thread.customer") })
            }
            value={draft.text}
            onChange={(event) => {
              setDraft(conversation.id, { kind: draft.kind, text: event.currentTarget.value });
              if (!isNote) stopTyping.later();
            }}
            onKeyDown={onKeyDown}
            onPaste={(event) => {
              if (event.clipboardData.files.length === 0) return;
              event.preventDefault();
              add(event.clipboardData.files);
            }}
            classNames={{ input: classes.input ?? "" }}
          />
          {counted && (
            <SmsHint
              counted={counted}
              find={find}
              replace={(replaced) => {
                setDraft(conversation.id, { ...draft, text: replaced });
                field.current?.focus();
              }}
            />
          )}
          {way && <LetterSignature way={way} />}
          {uploads.length > 0 && (
            <ul className={classes.uploads}>
              {uploads.map((upload) => (
                <UploadItem key={upload.key} upload={upload} way={way} onRemove={() => remove(upload.key)} />
              ))}
            </ul>
          )}
          <div className={classes.foot}>
            <input
              ref={files}
              type="file"
              multiple
              hidden
              accept={way?.limits?.mediaTypes.join()}
              onChange={(event) => {
                add(event.currentTarget.files ?? []);
                event.currentTarget.value = "";
              }}
            />
            {way?.limits?.mediaTypes.length !== 0 && (
              <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("composer.attach")} onClick={() => files.current?.click()}>
                <IconPaperclip size={18} aria-hidden />
              </ActionIcon>
            )}
            {!isNote && <ContinueOn conversation={conversation} done={() => field.current?.focus()} />}
            <span id={hintId} className={classes.hint} data-over={over > 0 || undefined} data-counted={counted !== null || undefined}>
              {hint()}
            </span>
            <Button
              size="sm"
              disabled={!ready}
              {...(isNote && ready ? { className: classes.addNote ?? "" } : {})}
              rightSection={<IconSend2 size={16} aria-hidden />}
              onClick={submit}
            >
              {isNote ? t("composer.addNote") : t("composer.send")}
            </Button>
          </div>
        </>
      )}
    </section>
  );
}

interface UploadItemProps {
  upload: Upload;
  way: Way | undefined;
  onRemove: () => void;
}

function UploadItem({ upload, way, onRemove }: UploadItemProps) {
  const text = useText();
  const { t } = text;
  const { name } = upload.file;
  const why = upload.error ? explain(upload.error, text) : way && objection(upload.file, way, text);
  return (
    <li className={classes.upload} data-failed={why ? true : undefined} {...(why ? { role: "alert" } : {})}>
      <span className={classes.uploadName}>{why ? t("composer.uploadFailed", { name, why }) : name}</span>
      {!upload.done && !upload.error && (
        <Progress
          value={upload.progress * 100}
          size="sm"
          w={60}
          aria-label={t("composer.uploading", { name, share: share(upload.progress, text) })}
        />
      )}
      <CloseButton size="sm" aria-label={t("composer.remove", { name })} onClick={onRemove} />
    </li>
  );
}

/** Why this way does not take a file, in words; null where it does. */
function objection(file: File, way: Way, text: Text): string | null {
  const channel = text.word("channel", way.channel);
  switch (fileObjection(file, way)) {
    case "none":
      return text.t("composer.noFiles", { channel });
    case "type":
      return text.t("composer.fileType", { channel, types: (way.limits?.mediaTypes ?? []).map(kindOf).join(", ") });
    case "size":
      return text.t("composer.fileSize", { channel, limit: fileSize(way.limits?.file ?? 0, text) });
    case null:
      return null;
  }
}

/** `image/jpeg` is JPEG to everybody; `text/plain` is TXT. */
function kindOf(mediaType: string): string {
  return mediaType.replace("plain", "txt").replace(/.*\//, "").toUpperCase();
}

/** Tells the customer now and then that an answer is being written, and once that it no longer is. */
function useTypingSignal(conversationId: string) {
  const told = useRef(0);
  const idle = useRef<ReturnType<typeof setTimeout>>(undefined);
  const now = () => {
    clearTimeout(idle.current);
    if (told.current === 0) return;
    told.current = 0;
    tellTyping(conversationId, false);
  };
  const later = () => {
    if (Date.now() - told.current > TELL_TYPING_EVERY) {
      told.current = Date.now();
      tellTyping(conversationId, true);
    }
    clearTimeout(idle.current);
    idle.current = setTimeout(now, 2 * TELL_TYPING_EVERY);
  };
  const leave = useRef(now);
  useEffect(() => {
    const stop = leave.current;
    return () => stop();
  }, []);
  return { now, later };
}
