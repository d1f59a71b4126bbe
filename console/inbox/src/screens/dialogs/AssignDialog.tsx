import { Modal, TextInput, UnstyledButton } from "@mantine/core";
import type { ConversationOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { assign } from "../../actions/assign";
import { useAct } from "../../actions/useAct";
import { agentsQuery } from "../../api/queries";
import { Person } from "../../parts/Person";
import { useText } from "../../text";
import classes from "./dialogs.module.css";

interface DialogProps {
  opened: boolean;
  onClose: () => void;
  conversation: ConversationOut;
}

export function AssignDialog({ opened, onClose, conversation }: DialogProps) {
  const { t } = useText();
  const { act, busy } = useAct(conversation);
  const { data: agents } = useQuery(agentsQuery);
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLocaleLowerCase();
  const found = (agents?.items ?? [])
    .filter((agent) => agent.role !== "editor" && agent.name.toLocaleLowerCase().includes(wanted))
    .sort((one, other) => Number(other.presence === "available") - Number(one.presence === "available"));
  return (
    <Modal opened={opened} onClose={onClose} title={t("assign.to")} closeButtonProps={{ "aria-label": t("action.cancel") }}>
      <TextInput
        data-autofocus
        aria-label={t("assign.to")}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
        mb="xs"
      />
      <ul className={classes.choices}>
        {found.map((agent) => (
          <li key={agent.id}>
            <UnstyledButton
              className={classes.choice}
              disabled={busy !== null}
              aria-current={agent.id === conversation.assignee_id ? "true" : undefined}
              onClick={() => void act(assign, agent).then((done) => done && onClose())}
            >
              <Person id={agent.id} name={agent.name} size={30} />
              <span>{agent.name}</span>
              <span className={classes.aside}>{t(`presence.${agent.presence}`)}</span>
            </UnstyledButton>
          </li>
        ))}
      </ul>
      {agents && found.length === 0 && <p className={classes.none}>{t("assign.nobody")}</p>}
    </Modal>
  );
}
