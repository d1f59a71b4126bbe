import { Button, Group, Modal, NativeSelect, Textarea } from "@mantine/core";
import type { ConversationOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { bringIn } from "../../actions/bringIn";
import { useAct } from "../../actions/useAct";
import { agentsQuery } from "../../api/queries";
import { useMe } from "../../session/me";
import { useText } from "../../text";

interface DialogProps {
  opened: boolean;
  onClose: () => void;
  conversation: ConversationOut;
}

export function BringInDialog({ opened, onClose, conversation }: DialogProps) {
  const { t } = useText();
  return (
    <Modal opened={opened} onClose={onClose} title={t("action.bringIn")} closeButtonProps={{ "aria-label": t("action.cancel") }}>
      {opened && <Form conversation={conversation} onClose={onClose} />}
    </Modal>
  );
}

function Form({ conversation, onClose }: Omit<DialogProps, "opened">) {
  const { t } = useText();
  const me = useMe();
  const { act, busy } = useAct(conversation);
  const { data } = useQuery(agentsQuery);
  const owner = conversation.assignee_id ?? me.id;
  const agents = (data?.items ?? [])
    .filter(({ id, role }) => role !== "editor" && id !== owner)
    .toSorted((one, other) => Number(other.presence === "available") - Number(one.presence === "available"));
  const [chosen, setChosen] = useState("");
  const [note, setNote] = useState("");
  const [clientId] = useState(() => crypto.randomUUID());
  const agent = agents.find(({ id }) => id === chosen) ?? agents[0];

  async function submit() {
    if (agent && (await act(bringIn, { agent, note: note.trim(), clientId }))) onClose();
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <NativeSelect
        label={t("bringIn.who")}
        description={t("bringIn.hint")}
        value={agent?.id ?? ""}
        onChange={(event) => setChosen(event.currentTarget.value)}
        data={agents.map(({ id, name, presence }) => ({ value: id, label: `${name} (${t(`presence.${presence}`)})` }))}
      />
      <Textarea
        data-autofocus
        required
        mt="sm"
        label={t("bringIn.note")}
        autosize
        minRows={3}
        maxRows={10}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onClose}>
          {t("action.cancel")}
        </Button>
        <Button type="submit" loading={busy !== null} disabled={!agent || note.trim() === ""}>
          {t("action.bringIn")}
        </Button>
      </Group>
    </form>
  );
}
