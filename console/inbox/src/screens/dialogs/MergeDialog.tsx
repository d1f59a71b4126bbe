import { Modal, UnstyledButton } from "@mantine/core";
import type { ConversationDetail } from "@centralita/shared/api";
import { useNavigate } from "@tanstack/react-router";

import { isOpen } from "../../actions/action";
import { merge } from "../../actions/merge";
import { useAct } from "../../actions/useAct";
import { brief } from "../../format/time";
import { ChannelIcon } from "../../parts/Channel";
import { useText } from "../../text";
import classes from "./dialogs.module.css";

interface DialogProps {
  opened: boolean;
  onClose: () => void;
  detail: ConversationDetail;
}

export function MergeDialog({ opened, onClose, detail }: DialogProps) {
  const text = useText();
  const { t } = text;
  const navigate = useNavigate();
  const { act, busy } = useAct(detail.conversation);
  const others = detail.earlier.filter((row) => row.id !== detail.conversation.id && isOpen(row));

  async function into(row: ConversationDetail["conversation"]) {
    if (!(await act(merge, row))) return;
    onClose();
    await navigate({ from: "/$view/$conversationId", to: ".", params: { conversationId: row.id } });
  }

  return (
    <Modal opened={opened} onClose={onClose} title={t("merge.title")} closeButtonProps={{ "aria-label": t("action.cancel") }}>
      <p className={classes.none}>{others.length > 0 ? t("merge.lead") : t("merge.none")}</p>
      <ul className={classes.choices}>
        {others.map((row) => (
          <li key={row.id}>
            <UnstyledButton className={classes.choice} disabled={busy !== null} onClick={() => void into(row)}>
              <ChannelIcon channel={row.channel} />
              <span className={classes.cut}>
                #{row.ticket_number} {row.last_message?.text}
              </span>
              <span className={classes.aside}>{brief(row.last_activity_at, text)}</span>
            </UnstyledButton>
          </li>
        ))}
      </ul>
    </Modal>
  );
}
