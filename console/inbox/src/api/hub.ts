/** Every call that this app makes; docs/api.md describes them. */
import type {
  Agents,
  AgentOut,
  ArticleIn,
  ArticleOut,
  Articles,
  AttachmentOut,
  Candidates,
  ContactOut,
  ConversationDetail,
  ConversationOut,
  Conversations,
  Counters,
  Done,
  Feed,
  HealthOut,
  Inboxes,
  MessageIn,
  MessageOut,
  Messages,
  OutboxRows,
  PresenceIn,
  SessionOut,
  Teams,
  UndoOut,
} from "@centralita/shared/api";

import { address, change, csrfHeader, errorOf, networkError, read } from "./http";

export type View = "queue" | "mine" | "all" | "bot" | "snoozed" | "resolved";
export type Priority = ConversationOut["priority"];
export type Presence = AgentOut["presence"];

export const session = (signal?: AbortSignal) => read<SessionOut>("/session", {}, signal);
export const signIn = (email: string, password: string) => change<SessionOut>("POST", "/session", { email, password });
export const signOut = () => change<Done>("DELETE", "/session");

export const agents = () => read<Agents>("/agents");
export const teams = () => read<Teams>("/teams");
export const inboxes = () => read<Inboxes>("/inboxes");
export const counters = () => read<Counters>("/counters");
export const setPresence = (presence: PresenceIn) => change<AgentOut>("PUT", "/presence", presence);

export const events = (after: string | null) => read<Feed>("/events", { after, limit: 200 });

export const conversations = (view: View, teamId: string | null, after: string | null, signal?: AbortSignal) =>
  read<Conversations>("/conversations", { view, team_id: teamId, after, limit: 30 }, signal);
export const conversation = (id: string, signal?: AbortSignal) =>
  read<ConversationDetail>(`/conversations/${id}`, {}, signal);
export const messages = (id: string, before: string | null, signal?: AbortSignal) =>
  read<Messages>(`/conversations/${id}/messages`, { before, limit: 50 }, signal);
export const send = (id: string, message: MessageIn) =>
  change<MessageOut>("POST", `/conversations/${id}/messages`, message);

const act = (id: string, verb: string, body?: object) =>
  change<ConversationOut>("POST", `/conversations/${id}/${verb}`, body ?? {});
export const take = (id: string) => act(id, "take");
export const assign = (id: string, agentId: string) => act(id, "assign", { agent_id: agentId });
export const transfer = (id: string, teamId: string, note: string) => act(id, "transfer", { team_id: teamId, note });
export const resolve = (id: string) => act(id, "resolve");
export const reopen = (id: string) => act(id, "reopen");
export const snooze = (id: string, until: Date) => act(id, "snooze", { until: until.toISOString() });
export const handBack = (id: string) => act(id, "hand-back");
export const setPriority = (id: string, priority: Priority) => act(id, "priority", { priority });

export const merge = (id: string, into: string) => change<UndoOut>("POST", `/conversations/${id}/merge`, { into });
export const split = (id: string, messageIds: string[]) =>
  change<UndoOut>("POST", `/conversations/${id}/split`, { message_ids: messageIds });
export const undo = (eventId: number) => change<ConversationOut>("POST", `/events/${eventId}/undo`, {});

export const contact = (id: string) => read<ContactOut>(`/contacts/${id}`);
export const candidates = (id: string) => read<Candidates>(`/contacts/${id}/candidates`);
export const mergeContacts = (id: string, into: string) =>
  change<{ event_id: number }>("POST", `/contacts/${id}/merge`, { into });

/** Uploads one file. `onProgress` hears the share that has gone out, 0 to 1. Raises HubError. */
export function upload(file: File, onProgress: (share: number) => void, signal: AbortSignal): Promise<AttachmentOut> {
  // fetch cannot report how much of a body has been sent.
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file);
    request.open("POST", address("/attachments"));
    for (const [name, value] of Object.entries(csrfHeader())) request.setRequestHeader(name, value);
    request.upload.onprogress = (progress) => onProgress(progress.total ? progress.loaded / progress.total : 0);
    request.onerror = () => reject(networkError());
    request.onabort = () => reject(networkError());
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as AttachmentOut);
      else reject(errorOf(request.status, request.responseText));
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

export const articles = (query: string, locale: string, after: string | null, signal?: AbortSignal) =>
  read<Articles>("/articles", { query, locale, after, limit: 50 }, signal);
export const article = (id: string, locale: string) => read<ArticleOut>(`/articles/${id}/${locale}`);
export const createArticle = (article: ArticleIn) => change<ArticleOut>("POST", "/articles", article);
export const saveArticle = (id: string, locale: string, article: ArticleIn) =>
  change<ArticleOut>("PUT", `/articles/${id}/${locale}`, article);
export const publishArticle = (id: string, locale: string) =>
  change<ArticleOut>("POST", `/articles/${id}/${locale}/publish`, {});
export const withdrawArticle = (id: string, locale: string) =>
  change<ArticleOut>("POST", `/articles/${id}/${locale}/withdraw`, {});

export const health = () => read<HealthOut>("/health");
export const deadRows = () => read<OutboxRows>("/outbox/dead");
export const replay = (id: number) => change<Done>("POST", `/outbox/${id}/replay`, {});
