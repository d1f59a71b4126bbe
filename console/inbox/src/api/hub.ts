/** Every call that this app makes; docs/api.md describes them. */
import type { AddressIn, AgentOut, ArticleIn, ArticleOut, AttachmentOut, ColleagueIn, ConversationOut, DoNotContactIn, MessageIn, PresenceIn, PublishIn, VendorMailIn } from "@centralita/shared/api";

import { answerOf, api, csrfHeader, errorOf, networkError } from "./http";

export type View = "queue" | "mine" | "helping" | "all" | "bot" | "snoozed" | "resolved";
export type Priority = ConversationOut["priority"];
export type Presence = AgentOut["presence"];

export const session = () => answerOf(api.GET("/api/v1/session"));
export const signIn = (email: string, password: string) =>
  answerOf(api.POST("/api/v1/session", { body: { email, password } }));
export const signOut = () => answerOf(api.DELETE("/api/v1/session"));

export const agents = () => answerOf(api.GET("/api/v1/agents"));
export const teams = () => answerOf(api.GET("/api/v1/teams"));
export const counters = () => answerOf(api.GET("/api/v1/counters"));
export const presenceReasons = () => answerOf(api.GET("/api/v1/presence-reasons"));
export const presence = () => answerOf(api.GET("/api/v1/presence"));
export const offers = () => answerOf(api.GET("/api/v1/offers"));
export const floor = () => answerOf(api.GET("/api/v1/floor"));
export const routing = (id: string) => answerOf(api.GET("/api/v1/conversations/{conversation_id}/routing", of(id)));
export const acceptOffer = (id: string) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/offer/accept", of(id)));
export const declineOffer = (id: string) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/offer/decline", of(id)));
export const setPresence = (body: PresenceIn) => answerOf(api.PUT("/api/v1/presence", { body }));

export const events = (after: string | null) =>
  answerOf(api.GET("/api/v1/events", { params: { query: { ...(after === null ? {} : { after }), limit: 200 } } }));

export const conversations = (view: View, teamId: string | null, after: string | null, signal: AbortSignal) => {
  const query = { view, limit: 30, ...(teamId === null ? {} : { team_id: teamId }), ...(after === null ? {} : { after }) };
  return answerOf(api.GET("/api/v1/conversations", { params: { query }, signal }));
};

const of = (id: string) => ({ params: { path: { conversation_id: id } } });
export const conversation = (id: string, signal?: AbortSignal) =>
  answerOf(api.GET("/api/v1/conversations/{conversation_id}", { ...of(id), ...(signal ? { signal } : {}) }));
export const messages = (id: string, before: string | null, signal: AbortSignal) =>
  answerOf(
    api.GET("/api/v1/conversations/{conversation_id}/messages", {
      params: { ...of(id).params, query: { limit: 50, ...(before === null ? {} : { before }) } },
      signal,
    }),
  );
/** What hangs in a dead connection would hold up all that is written after it. */
const SEND_WITHIN = 30_000;
export const send = (id: string, body: MessageIn) =>
  answerOf(
    api.POST("/api/v1/conversations/{conversation_id}/messages", { ...of(id), body, signal: AbortSignal.timeout(SEND_WITHIN) }),
  );

export const linkPlaces = (id: string) => answerOf(api.GET("/api/v1/conversations/{conversation_id}/links", of(id)));
export const makeLink = (id: string, inboxId: string) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/links", { ...of(id), body: { inbox_id: inboxId } }));

const inbox = (id: string) => ({ params: { path: { inbox_id: id } } });
export const templates = (id: string) => answerOf(api.GET("/api/v1/inboxes/{inbox_id}/templates", inbox(id)));
export const syncTemplates = (id: string) => answerOf(api.POST("/api/v1/inboxes/{inbox_id}/templates/sync", inbox(id)));
export const resumeInbox = (id: string) => answerOf(api.POST("/api/v1/inboxes/{inbox_id}/resume", inbox(id)));

export const vendors = () => answerOf(api.GET("/api/v1/vendors"));
export const askVendor = (id: string, body: VendorMailIn) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/vendor-mails", { ...of(id), body }));
export const previewVendorMail = (id: string, body: VendorMailIn) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/vendor-mails/preview", { ...of(id), body }));

export const recallVendor = (id: string, vendorId: string) =>
  answerOf(api.DELETE("/api/v1/conversations/{conversation_id}/vendors/{vendor_id}", { params: { path: { conversation_id: id, vendor_id: vendorId } } }));

export const contactFields = (id: string) =>
  answerOf(api.GET("/api/v1/contacts/{contact_id}/fields", { params: { path: { contact_id: id } } }));
export const setContactField = (id: string, name: string, value: string) =>
  answerOf(api.PUT("/api/v1/contacts/{contact_id}/fields/{name}", { params: { path: { contact_id: id, name } }, body: { value } }));
export const answered = (id: string, asked: string[], right: string[]) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/questions", { ...of(id), body: { asked, right } }));
export const sendCode = (id: string, inboxId: string, identityId: string) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/code", { ...of(id), body: { inbox_id: inboxId, identity_id: identityId } }));
export const checkCode = (id: string, code: string) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/code/check", { ...of(id), body: { code } }));

export const take = (id: string) => answerOf(api.POST("/api/v1/conversations/{conversation_id}/take", of(id)));
export const assign = (id: string, agentId: string) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/assign", { ...of(id), body: { agent_id: agentId } }));
export const bringIn = (id: string, body: ColleagueIn) =>
  answerOf(api.PUT("/api/v1/conversations/{conversation_id}/colleague", { ...of(id), body }));
export const leave = (id: string) => answerOf(api.DELETE("/api/v1/conversations/{conversation_id}/colleague", of(id)));
export const transfer = (id: string, teamId: string, note: string) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/transfer", { ...of(id), body: { team_id: teamId, note } }));
export const resolve = (id: string) => answerOf(api.POST("/api/v1/conversations/{conversation_id}/resolve", of(id)));
export const reopen = (id: string) => answerOf(api.POST("/api/v1/conversations/{conversation_id}/reopen", of(id)));
export const snooze = (id: string, until: Date) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/snooze", { ...of(id), body: { until: until.toISOString() } }));
export const handBack = (id: string) => answerOf(api.POST("/api/v1/conversations/{conversation_id}/hand-back", of(id)));
export const setPriority = (id: string, priority: Priority) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/priority", { ...of(id), body: { priority } }));

export const merge = (id: string, into: string) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/merge", { ...of(id), body: { into } }));
export const split = (id: string, messageIds: string[]) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/split", { ...of(id), body: { message_ids: messageIds } }));
export const doNotContact = (id: string, body: DoNotContactIn) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/do-not-contact", { ...of(id), body }));
/** Undefined where there is no conversation to look at. */
export const undo = (eventId: number): Promise<ConversationOut | undefined> =>
  answerOf(api.POST("/api/v1/events/{event_id}/undo", { params: { path: { event_id: eventId } } }));

export const candidates = (contactId: string) =>
  answerOf(api.GET("/api/v1/contacts/{contact_id}/candidates", { params: { path: { contact_id: contactId } } }));
export const mergeContacts = (contactId: string, into: string) =>
  answerOf(api.POST("/api/v1/contacts/{contact_id}/merge", { params: { path: { contact_id: contactId } }, body: { into } }));

/** An address is not this contact's. */
export const unlink = (contactId: string, identityId: string) =>
  answerOf(
    api.POST("/api/v1/contacts/{contact_id}/addresses/{identity_id}/unlink", {
      params: { path: { contact_id: contactId, identity_id: identityId } },
    }),
  );
export const addAddress = (contactId: string, body: AddressIn) =>
  answerOf(api.POST("/api/v1/contacts/{contact_id}/addresses", { params: { path: { contact_id: contactId } }, body }));
/** What was said with an address is somebody else's. */
export const somebodyElse = (id: string, identityId: string) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/somebody-else", { ...of(id), body: { identity_id: identityId } }));

/** Uploads one file. `onProgress` hears the share that has gone out, 0 to 1. Raises HubError. */
export function upload(file: File, onProgress: (share: number) => void, signal: AbortSignal): Promise<AttachmentOut> {
  // fetch cannot report how much of a body has been sent.
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file);
    request.open("POST", "/api/v1/attachments");
    request.setRequestHeader(...csrfHeader());
    request.responseType = "json";
    request.upload.onprogress = (progress) => onProgress(progress.total ? progress.loaded / progress.total : 0);
    request.onerror = () => reject(networkError());
    request.onabort = () => reject(networkError());
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(request.response as AttachmentOut);
      else reject(errorOf(request.status, request.response));
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

export const body = (messageId: string) =>
  answerOf(api.GET("/api/v1/messages/{message_id}/body", { params: { path: { message_id: messageId } } }));
/** Addresses that the browser opens by itself. */
export const mailPageUrl = (messageId: string, images: boolean) => `/api/v1/messages/${messageId}/page${images ? "?images=true" : ""}`;
export const sourceUrl = (messageId: string) => `/api/v1/messages/${messageId}/source`;
export const rawUrl = (sourceId: string) => `/api/v1/sources/${sourceId}/raw`;

export const inboxes = () => answerOf(api.GET("/api/v1/inboxes"));
export const heldBack = (inboxId: string, before: string | null, signal: AbortSignal) => {
  const query = { ...(inboxId ? { inbox_id: inboxId } : {}), ...(before === null ? {} : { before }) };
  return answerOf(api.GET("/api/v1/held-back", { params: { query }, signal }));
};
export const acceptSource = (sourceId: string) =>
  answerOf(api.POST("/api/v1/sources/{source_id}/accept", { params: { path: { source_id: sourceId } } }));

export const articles = (query: string, locale: string, state: ArticleOut["state"] | "", after: string | null, signal: AbortSignal) => {
  const asked = { query, limit: 50, ...(locale ? { locale } : {}), ...(state ? { state } : {}), ...(after === null ? {} : { after }) };
  return answerOf(api.GET("/api/v1/articles", { params: { query: asked }, signal }));
};
const at = (articleId: string, locale: string) => ({ params: { path: { article_id: articleId, locale } } });
export const article = (id: string, locale: string) =>
  answerOf(api.GET("/api/v1/articles/{article_id}/{locale}", at(id, locale)));
export const createArticle = (body: ArticleIn) => answerOf(api.POST("/api/v1/articles", { body }));
export const saveArticle = (id: string, locale: string, body: ArticleIn) =>
  answerOf(api.PUT("/api/v1/articles/{article_id}/{locale}", { ...at(id, locale), body }));
export const publishArticle = (id: string, locale: string, body: PublishIn) =>
  answerOf(api.POST("/api/v1/articles/{article_id}/{locale}/publish", { ...at(id, locale), body }));
export const withdrawArticle = (id: string, locale: string) =>
  answerOf(api.POST("/api/v1/articles/{article_id}/{locale}/withdraw", at(id, locale)));

export const health = () => answerOf(api.GET("/api/v1/health"));
export const deadRows = () => answerOf(api.GET("/api/v1/outbox/dead"));
export const replay = (id: number) =>
  answerOf(api.POST("/api/v1/outbox/{outbox_id}/replay", { params: { path: { outbox_id: id } } }));
