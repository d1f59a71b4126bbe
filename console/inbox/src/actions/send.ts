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

function mark(messages: readonly Unsent[], problem: Unsent["problem"]): void {
  const meant = new Set(messages.map(({ clientId }) => clientId));
  outgoing.set(outgoing.get().map((message) => (meant.has(message.clientId) ? { ...message, problem } : message)));
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
  if (!outgoing.get().some(({ clientId }) => clientId === message.clientId)) outgoing.set([...outgoing.get(), message]);
  mark([message], null);
  await sendWaiting(client, message.conversationId);
}

/** What lost its connection goes out again by itself once there is one; what was refused waits for a person. */
export function sendAgain(client: QueryClient): void {
  for (const { conversationId } of outgoing.get().filter(mayGo)) void sendWaiting(client, conversationId);
}

/** What nobody refused: the hub, or the way to it, was away. */
const PASSING = ["network", "unavailable"];
const mayGo = ({ problem }: Unsent) => problem === null || PASSING.includes(problem.id);

/** Who is sending, for each conversation. */
const underWay = new Map<string, Promise<void>>();

function sendWaiting(client: QueryClient, conversationId: string): Promise<void> {
  let run = underWay.get(conversationId); // comes to what has just been put behind, too
  if (!run) {
    run = Promise.resolve().then(() => oneByOne(client, conversationId));
    underWay.set(conversationId, run);
  }
  return run;
}

/** In the order written: two requests at once could overtake each other, and so could one whose elder lost its connection. */
async function oneByOne(client: QueryClient, conversationId: string): Promise<void> {
  const waiting = () => outgoing.get().filter((message) => message.conversationId === conversationId && mayGo(message));
  try {
    for (let [next] = waiting(); next; [next] = waiting()) {
      mark([next], null);
      const problem = await attempt(client, next);
      if (!problem) discard(next.clientId);
      else if (PASSING.includes(problem.id)) {
        mark(waiting(), problem);
        return;
      } else mark([next], problem);
    }
  } finally {
    underWay.delete(conversationId);
  }
}

/** Why the hub did not take it; null if it has it. */
async function attempt(client: QueryClient, message: Unsent): Promise<Unsent["problem"]> {
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
    applyMessage(client, await hub.send(message.conversationId, body));
    return null;
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return problemOf(error);
  }
}

export function useUnsent(conversationId: string): readonly Unsent[] {
  const all = useSyncExternalStore(outgoing.subscribe, outgoing.get);
  const mine = all.filter((message) => message.conversationId === conversationId);
  return mine.length > 0 ? mine : NONE;
}
