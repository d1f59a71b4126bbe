import { ActionIcon, Button, CloseButton, NativeSelect, Progress, SegmentedControl, Textarea } from "@mantine/core";
import type { ConversationDetail } from "@centralita/shared/api";
import { IconPaperclip, IconSend2 } from "../parts/icons";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState, type DragEvent, type KeyboardEvent } from "react";

import { explain } from "../actions/explain";
import { newMessage, send } from "../actions/send";
import { useUploads, type Upload } from "../actions/upload";
import { share } from "../format/number";
import { tellTyping } from "../live/connection";
import { ChannelIcon } from "../parts/Channel";
import { useShortcuts } from "../parts/useShortcuts";
import { setDraft, useDraft } from "../session/drafts";
import { useText } from "../text";
import classes from "./Composer.module.css";

/** What the hub takes in one message. */
const LIMIT = 20_000;
const TELL_TYPING_EVERY = 2_500;

/** Where a slip of the Enter key cannot be taken back so easily, or the key is needed for new lines, it does not send. */
function enterSends(channel: string): boolean {
  return channel !== "email" && !window.matchMedia("(pointer: coarse)").matches;
}

export function Composer({ detail }: { detail: ConversationDetail }) {
  const { t } = useText();
  const { conversation, contact, reply_inboxes: inboxes } = detail;
  const client = useQueryClient();
  const draft = useDraft(conversation.id);
  const { uploads, add, remove, clear } = useUploads();
  const [inboxId, setInboxId] = useState<string | null>(null);
  const [dropping, setDropping] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const hintId = useId();
  const stopTyping = useTypingSignal(conversation.id);

  const chosen = inboxes.find(({ id }) => id === (inboxId ?? conversation.inbox_id)) ?? inboxes[0];
  const isNote = draft.kind === "note";
  const channel = isNote ? "note" : (chosen?.channel ?? conversation.channel);
  const over = draft.text.length - LIMIT;
  const attached = uploads.flatMap(({ done }) => (done ? [done] : []));
  const uploading = uploads.some(({ done, error }) => !done && !error);
  const ready = !uploading && over <= 0 && (draft.text.trim() !== "" || attached.length > 0);

  const write = (kind: "reply" | "note") => {
    setDraft(conversation.id, { ...draft, kind });
    field.current?.focus();
  };
  useShortcuts({ r: () => write("reply"), n: () => write("note") });

  function submit() {
    if (!ready) return;
    const inbox = isNote || !chosen || chosen.id === conversation.inbox_id ? null : chosen.id;
    const message = newMessage({
      conversationId: conversation.id,
      kind: draft.kind,
      text: draft.text.trim(),
      attachments: attached,
      inboxId: inbox,
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
        {!isNote && inboxes.length > 1 && (
          <NativeSelect
            size="xs"
            variant="unstyled"
            className={classes.inbox ?? ""}
            aria-label={t("composer.inbox")}
            leftSection={<ChannelIcon channel={channel} />}
            value={chosen?.id ?? ""}
            onChange={(event) => setInboxId(event.currentTarget.value)}
            data={inboxes.map(({ id, name }) => ({ value: id, label: name }))}
          />
        )}
        {!isNote && conversation.status === "resolved" && <span className={classes.hint}>{t("composer.resolved")}</span>}
      </div>
      <Textarea
        ref={field}
        variant="unstyled"
        autosize
        minRows={2}
        maxRows={12}
        aria-label={isNote ? t("composer.note") : t("composer.replyTo", { name: contact.name || t("thread.customer") })}
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
      {uploads.length > 0 && (
        <ul className={classes.uploads}>
          {uploads.map((upload) => (
            <UploadItem key={upload.key} upload={upload} onRemove={() => remove(upload.key)} />
          ))}
        </ul>
      )}
      <div className={classes.foot}>
        <input
          ref={files}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            add(event.currentTarget.files ?? []);
            event.currentTarget.value = "";
          }}
        />
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("composer.attach")} onClick={() => files.current?.click()}>
          <IconPaperclip size={18} aria-hidden />
        </ActionIcon>
        <span id={hintId} className={classes.hint} data-over={over > 0 || undefined}>
          {over > 0 ? t("composer.tooLong", { count: over }) : t(enterSends(channel) ? "composer.enterSends" : "composer.ctrlEnterSends")}
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
    </section>
  );
}

function UploadItem({ upload, onRemove }: { upload: Upload; onRemove: () => void }) {
  const text = useText();
  const { t } = text;
  const { name } = upload.file;
  return (
    <li className={classes.upload} data-failed={upload.error !== null || undefined}>
      <span className={classes.uploadName}>
        {upload.error ? t("composer.uploadFailed", { name, why: explain(upload.error, text) }) : name}
      </span>
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
