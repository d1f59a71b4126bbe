import { Button, Group, Text as Words } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { ConversationOut } from "@centralita/shared/api";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { HubError } from "../api/http";
import { applyRow } from "../live/apply";
import { useMe } from "../session/me";
import { useText } from "../text";
import type { Action } from "./action";
import { explain } from "./explain";
import { undo } from "./undo";

const UNDO_FOR = 10_000;

/** Runs actions on a conversation: says what came of them, offers to take them back, explains what was refused. */
export function useAct(conversation: ConversationOut) {
  const client = useQueryClient();
  const me = useMe();
  const text = useText();
  const [busy, setBusy] = useState<string | null>(null);

  async function takeBack(eventId: number, id: string) {
    try {
      await undo(client, eventId);
      notifications.update({ id, message: text.t("action.undone"), autoClose: 3_000 });
    } catch (error) {
      notifications.update({ id, message: explain(error, text), color: "red", autoClose: 8_000 });
    }
  }

  function say(said: string, undoEvent: number | undefined) {
    const id = notifications.show({ message: said, autoClose: undoEvent === undefined ? 3_000 : UNDO_FOR });
    if (undoEvent === undefined) return;
    notifications.update({
      id,
      autoClose: UNDO_FOR,
      message: (
        <Group justify="space-between" wrap="nowrap">
          <Words size="sm">{said}</Words>
          <Button size="compact-sm" variant="light" onClick={() => void takeBack(undoEvent, id)}>
            {text.t("action.undo")}
          </Button>
        </Group>
      ),
    });
  }

  /** True when it was done. */
  async function act<Input>(action: Action<Input>, input: Input): Promise<boolean> {
    const context = { conversation, me, text, client };
    setBusy(action.name);
    try {
      const { row, said, undo: undoEvent } = await action.perform(context, input);
      if (row) applyRow(client, row);
      if (said) say(said, undoEvent);
      return true;
    } catch (error) {
      const better = error instanceof HubError ? await action.explain?.(error, context) : null;
      const expected = error instanceof HubError && error.status === 409;
      notifications.show({
        message: better ?? explain(error, text),
        color: expected ? "yellow" : "red",
        autoClose: 8_000,
      });
      return false;
    } finally {
      setBusy(null);
    }
  }

  return { act, busy };
}
