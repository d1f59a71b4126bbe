import { Button, Checkbox, Collapse, Group, Modal, NativeSelect, Textarea } from "@mantine/core";
import type { ConversationOut, MessageOut, VendorMailIn, VendorOut } from "@centralita/shared/api";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";

import { askVendor } from "../../actions/askVendor";
import { explain } from "../../actions/explain";
import { useAct } from "../../actions/useAct";
import * as hub from "../../api/hub";
import { messagesQuery, vendorsQuery } from "../../api/queries";
import { brief } from "../../format/time";
import { useText, type Text } from "../../text";
import classes from "./AskVendorDialog.module.css";

interface DialogProps {
  opened: boolean;
  onClose: () => void;
  conversation: ConversationOut;
}

/** So many of the loaded messages are offered; a firm is told what it needs, not everything. */
const OFFERED = 40;

export function AskVendorDialog({ opened, onClose, conversation }: DialogProps) {
  const { t } = useText();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title={t("vendor.title")}
      closeButtonProps={{ "aria-label": t("action.cancel") }}
    >
      {opened && <Form conversation={conversation} onClose={onClose} />}
    </Modal>
  );
}

function Form({ conversation, onClose }: Omit<DialogProps, "opened">) {
  const text = useText();
  const { t } = text;
  const { act, busy } = useAct(conversation);
  const { data, isPending } = useQuery(vendorsQuery);
  const { data: pages } = useInfiniteQuery(messagesQuery(conversation.id));
  const firms = data?.items.filter(({ active }) => active) ?? [];
  const [chosen, setChosen] = useState("");
  const [words, setWords] = useState("");
  const [clientId] = useState(() => crypto.randomUUID());
  const [along, setAlong] = useState<ReadonlySet<string>>(new Set());
  const [seen, setSeen] = useState<{ for: string; whole: string } | null>(null);
  const previewId = useId();
  const firm = firms.find(({ id }) => id === chosen) ?? firms[0];
  const said = (pages?.pages.flatMap((page) => page.items) ?? [])
    .filter(({ erased }) => !erased)
    .toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at))
    .slice(-OFFERED);
  const files = said.flatMap(({ attachments }) => attachments);

  const toggle = (id: string) =>
    setAlong((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const mail = ({ id }: VendorOut): VendorMailIn => ({
    ...{ client_id: clientId, vendor_id: id, text: words, address: null },
    message_ids: said.filter((each) => along.has(each.id)).map((each) => each.id),
    attachment_ids: files.filter((each) => along.has(each.id)).map((each) => each.id),
  });
  const stands = firm ? JSON.stringify(mail(firm)) : "";
  const shown = seen?.for === stands;

  async function preview() {
    if (!firm) return;
    if (shown) {
      setSeen(null);
      return;
    }
    try {
      setSeen({ for: stands, whole: (await hub.previewVendorMail(conversation.id, mail(firm))).whole });
    } catch (error) {
      setSeen({ for: stands, whole: explain(error, text) });
    }
  }

  async function submit() {
    if (firm && (await act(askVendor, { vendor: firm, mail: mail(firm) }))) onClose();
  }

  if (!isPending && firms.length === 0) return <p className={classes.lead}>{t("vendor.none")}</p>;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <p className={classes.lead}>{t("vendor.lead")}</p>
      <NativeSelect
        data-autofocus
        label={t("vendor.firm")}
        value={firm?.id ?? ""}
        onChange={(event) => setChosen(event.currentTarget.value)}
        data={firms.map(({ id, name, addresses }) => ({ value: id, label: `${name} (${addresses[0] ?? ""})` }))}
        description={firm?.tell_customer ? t("vendor.tells") : null}
      />
      <Textarea
        mt="sm"
        required
        label={t("vendor.text")}
        autosize
        minRows={3}
        maxRows={10}
        value={words}
        onChange={(event) => setWords(event.currentTarget.value)}
      />
      <fieldset className={classes.along}>
        <legend>{t("vendor.along")}</legend>
        <ul className={classes.list}>
          {said.map((message) => (
            <li key={message.id} data-inside={message.kind === "note" || message.kind === "vendor" || undefined}>
              <Checkbox
                checked={along.has(message.id)}
                onChange={() => toggle(message.id)}
                label={<Line message={message} text={text} />}
              />
              {message.attachments.map((file) => (
                <Checkbox
                  key={file.id}
                  className={classes.file ?? ""}
                  checked={along.has(file.id)}
                  onChange={() => toggle(file.id)}
                  label={t("vendor.file", { name: file.name })}
                />
              ))}
            </li>
          ))}
        </ul>
      </fieldset>
      <Collapse expanded={shown} id={previewId}>
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls must take the focus */}
        <pre className={classes.preview} tabIndex={0} aria-label={t("mail.wholeLabel")}>
          {seen?.whole}
        </pre>
        {firm?.page && <p className={classes.lead}>{t("vendor.pageHint")}</p>}
      </Collapse>
      <Group justify="space-between" mt="md">
        <Button
          variant="subtle"
          disabled={!firm || words.trim() === ""}
          aria-expanded={shown}
          aria-controls={previewId}
          onClick={() => void preview()}
        >
          {t(shown ? "vendor.hide" : "vendor.preview")}
        </Button>
        <Group>
          <Button variant="default" onClick={onClose}>
            {t("action.cancel")}
          </Button>
          <Button type="submit" loading={busy !== null} disabled={!firm || words.trim() === ""}>
            {t("vendor.send")}
          </Button>
        </Group>
      </Group>
    </form>
  );
}

function Line({ message, text }: { message: MessageOut; text: Text }) {
  const { t } = text;
  const inside = message.kind === "note" ? t("vendor.isNote") : message.kind === "vendor" ? t("vendor.isVendor") : "";
  return (
    <span className={classes.line}>
      <span className={classes.when}>{brief(message.at, text)}</span>
      {inside && <span className={classes.inside}>{inside}</span>}
      <span className={classes.cut}>{message.text || t("list.attachment")}</span>
    </span>
  );
}
