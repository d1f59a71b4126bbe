import { Button, Group, Modal, NativeSelect, Textarea } from "@mantine/core";
import type { ConversationOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { transfer } from "../../actions/transfer";
import { useAct } from "../../actions/useAct";
import { teamsQuery } from "../../api/queries";
import { useText } from "../../text";

interface DialogProps {
  opened: boolean;
  onClose: () => void;
  conversation: ConversationOut;
}

export function TransferDialog({ opened, onClose, conversation }: DialogProps) {
  const { t } = useText();
  const { act, busy } = useAct(conversation);
  const { data } = useQuery(teamsQuery);
  const teams = data?.items ?? [];
  const [chosen, setChosen] = useState("");
  const [note, setNote] = useState("");
  const team = teams.find(({ id }) => id === chosen) ?? teams.find(({ id }) => id !== conversation.team_id) ?? teams[0];

  async function submit() {
    if (team && (await act(transfer, { team, note: note.trim() }))) {
      setNote("");
      onClose();
    }
  }

  return (
    <Modal opened={opened} onClose={onClose} title={t("action.transfer")} closeButtonProps={{ "aria-label": t("action.cancel") }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <NativeSelect
          data-autofocus
          label={t("transfer.team")}
          value={team?.id ?? ""}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data={teams.map(({ id, name }) => ({ value: id, label: name }))}
        />
        <Textarea
          mt="sm"
          label={t("transfer.note")}
          placeholder={t("transfer.notePlaceholder")}
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
          <Button type="submit" loading={busy !== null} disabled={!team}>
            {t("action.transfer")}
          </Button>
        </Group>
      </form>
    </Modal>
  );
}
