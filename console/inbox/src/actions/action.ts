/** An action is one thing a person can do to a conversation: its name on the screen, its key, when, how, what follows. */
import type { AgentOut, ConversationOut } from "@centralita/shared/api";
import type { Icon } from "../parts/icons";
import type { QueryClient } from "@tanstack/react-query";

import type { HubError } from "../api/http";
import type { PlainKey, Text } from "../text";

export interface Context {
  conversation: ConversationOut;
  me: AgentOut;
  text: Text;
  client: QueryClient;
}

export interface Outcome {
  /** The conversation as it stands now. */
  row?: ConversationOut;
  /** What is said about it. */
  said?: string;
  /** The event that takes it back. */
  undo?: number;
}

export interface Action<Input = undefined> {
  name: string;
  label: PlainKey;
  icon: Icon;
  shortcut?: string;
  available: (conversation: ConversationOut, me: AgentOut) => boolean;
  perform: (context: Context, input: Input) => Promise<Outcome>;
  /** A better sentence for an error than the general one; null where there is none. */
  explain?: (error: HubError, context: Context) => Promise<string | null>;
}

export function isOpen(conversation: ConversationOut): boolean {
  return conversation.merged_into === null && conversation.status !== "resolved";
}
