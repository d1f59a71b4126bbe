import { Button, Group, Modal, TextInput, UnstyledButton } from "@mantine/core";
import type { ConversationOut } from "@centralita/shared/api";
import { useState } from "react";

import { snooze, snoozeChoices } from "../../actions/snooze";
import { useAct } from "../../actions/useAct";
import { dayAndTime } from "../../format/time";
import { useText } from "../../text";
import classes from "./dialogs.module.css";

interface DialogProps {
  opened: boolean;
  onClose: () => void;
  conversation: ConversationOut;
}

export function SnoozeDialog({ opened, onClose, conversation }: DialogProps) {
  const { t } = useText();
  return (
    <Modal opened={opened} onClose={onClose} title={t("snooze.until")} closeButtonProps={{ "aria-label": t("action.cancel") }}>
      <Choices conversation={conversation} onClose={onClose} />
    </Modal>
  );
}

function Choices({ conversation, onClose }: Omit<DialogProps, "opened">) {
  const text = useText();
  const { act, busy } = useAct(conversation);
  const [openedAt] = useState(() => new Date());
  const [own, setOwn] = useState("");
  const [past, setPast] = useState(false);
  const until = async (time: Date) => (await act(snooze, time)) && onClose();

  function submit() {
    const time = new Date(own);
    const future = time.getTime() > Date.now();
    setPast(!future);
    if (future) void until(time);
  }

  return (
    <>
      <ul className={classes.choices}>
        {snoozeChoices(openedAt).map(({ label, until: time }) => (
          <li key={label}>
            <UnstyledButton className={classes.choice} disabled={busy !== null} onClick={() => void until(time)}>
              <span>{text.t(label)}</span>
              <span className={classes.aside}>{dayAndTime(time.toISOString(), text)}</span>
            </UnstyledButton>
          </li>
        ))}
      </ul>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Group align="flex-end" wrap="nowrap" mt="xs">
          <TextInput
            type="datetime-local"
            label={text.t("snooze.custom")}
            flex={1}
            required
            withAsterisk={false}
            value={own}
            error={past ? text.t("snooze.past") : undefined}
            onChange={(event) => setOwn(event.currentTarget.value)}
          />
          <Button type="submit" loading={busy !== null}>
            {text.t("action.snooze")}
          </Button>
        </Group>
      </form>
    </>
  );
}
