import type { AttachmentOut, MessageIn, TemplateUse } from "@centralita/shared/api";
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

import { HubError } from "../api/http";
import * as hub from "../api/hub";
import { applyMessage } from "../live/apply";
import { Store } from "../live/store";

/** A message on its way, or one that did not get through. It stays until the hub has it or the agent discards it. */
export interface Unsent {
  clientId: string;
  conversationId: string;
  kind: "reply" | "note";
  text: string;
  attachments: AttachmentOut[];
  inboxId: string | null;
  /** The customer's address that it goes to, where the inbox reaches several. */
  identityId: string | null;
  /** An approved text with its values, of which `text` is what the customer will read. */
  template?: TemplateUse | null;
  at: string;
  /** Why it failed; null while it is on its way. */
  problem: { id: string; field: string | null; rule: string | null } | null;
}

const STORED = "centralita.unsent";
const NONE: readonly Unsent[] = [];

function stored(): readonly Unsent[] {
  const text = localStorage.getItem(STORED);
  const messages = text ? (JSON.parse(text) as Unsent[]) : [];
  // Nobody knows whether these got through before the page was closed. Sending again is harmless: same client id.
  return messages.map((message) => ({ ...message, problem: message.problem ?? problemOf(null) }));
}

function problemOf(error: HubError | null): NonNullable<Unsent["problem"]> {
  return error
    ? { id: error.id, field: error.problem.field, rule: error.problem.rule }
    : { id: "network", field: null, rule: null };
}

const outgoing = new Store<readonly Unsent[]>(stored());
outgoing.subscribe(() => localStorage.setItem(STORED, JSON.stringify(outgoing.get())));

function put(message: Unsent): void {
  const others = outgoing.get().filter(({ clientId }) => clientId !== message.clientId);
  outgoing.set([...others, message].sort((one, other) => one.at.localeCompare(other.at)));
}

export function discard(clientId: string): void {
  outgoing.set(outgoing.get().filter((message) => message.clientId !== clientId));
}

export function forgetUnsent(): void {
  outgoing.set(NONE);
}

export function newMessage(fields: Pick<Unsent, "conversationId" | "kind" | "text" | "attachments" | "inboxId" | "identityId" | "template">): Unsent {
  return { ...fields, clientId: crypto.randomUUID(), at: new Date().toISOString(), problem: null };
}

/** Sends a message, or sends it again: the hub stores one client id once. Failures are kept with the message. */
export async function send(client: QueryClient, message: Unsent): Promise<void> {
  put({ ...message, problem: null });
  const body: MessageIn = {
    client_id: message.clientId,
    kind: message.kind,
    text: message.template ? "" : message.text,
    attachments: message.attachments.map(({ id }) => id),
    inbox_id: message.inboxId,
    identity_id: message.identityId ?? null,
    template: message.template ?? null,
  };
  try {
    const sent = await hub.send(message.conversationId, body);
    applyMessage(client, sent);
    discard(message.clientId);
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    put({ ...message, problem: problemOf(error) });
  }
}

/** What lost its connection goes out again by itself once there is one; what was refused waits for a person. */
export function sendAgain(client: QueryClient): void {
  for (const message of outgoing.get()) if (message.problem?.id === "network") void send(client, message);
}

export function useUnsent(conversationId: string): readonly Unsent[] {
  const all = useSyncExternalStore(outgoing.subscribe, outgoing.get);
  const mine = all.filter((message) => message.conversationId === conversationId);
  return mine.length > 0 ? mine : NONE;
}
