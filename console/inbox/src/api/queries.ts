/** What the screens read, and under which key it is kept. The feed keeps it current, so that nothing is ever stale. */
import type { ArticleOut, Entry, ConversationDetail, ConversationOut, Conversations, Messages } from "@centralita/shared/api";
import { infiniteQueryOptions, QueryClient, queryOptions } from "@tanstack/react-query";

import { journal } from "../live/journal";
import { belongs, placeMessage, placeRow, type ConversationPages, type List, type MessagePages } from "../live/rows";
import { HubError } from "./http";
import * as hub from "./hub";

export const keys = {
  session: ["session"],
  counters: ["counters"],
  agents: ["agents"],
  conversations: ["conversations"],
  conversation: (id: string) => ["conversation", id],
  messages: (id: string) => ["messages", id],
  candidates: (contactId: string) => ["candidates", contactId],
  articles: ["articles"],
  article: (id: string, locale: string) => ["article", id, locale],
  health: ["health"],
  templates: (inboxId: string) => ["templates", inboxId],
  deadRows: ["outbox", "dead"],
  heldBack: ["heldBack"],
  offers: ["offers"],
  presence: ["presence"],
  floor: ["floor"],
  routing: (id: string) => ["routing", id],
} as const;

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: Infinity,
        gcTime: 10 * 60_000,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        // Being refused is an answer; only a hub that is away is asked again.
        retry: (failures, error) => failures < 2 && (!(error instanceof HubError) || isAway(error)),
        networkMode: "always",
      },
      mutations: { networkMode: "always" },
    },
  });
}

function isAway(error: HubError): boolean {
  return error.status === 0 || error.status >= 500;
}

export const sessionQuery = queryOptions({ queryKey: keys.session, queryFn: () => hub.session() });
export const countersQuery = queryOptions({ queryKey: keys.counters, queryFn: hub.counters });
export const agentsQuery = queryOptions({ queryKey: keys.agents, queryFn: hub.agents });
export const offersQuery = queryOptions({ queryKey: keys.offers, queryFn: hub.offers });
export const presenceQuery = queryOptions({ queryKey: keys.presence, queryFn: hub.presence });
export const presenceReasonsQuery = queryOptions({ queryKey: ["presence-reasons"], queryFn: hub.presenceReasons });
/** Events say when it changes; the load of whoever takes part in no event is looked at now and then. */
export const floorQuery = queryOptions({ queryKey: keys.floor, queryFn: hub.floor, staleTime: 0, refetchInterval: 30_000 });
/** Read afresh whenever it is looked at: the wait changes with everybody else's. */
export function routingQuery(id: string) {
  return queryOptions({ queryKey: keys.routing(id), queryFn: () => hub.routing(id), staleTime: 0 });
}
/** Read again whenever somebody is about to ask one: no event tells of them. */
export const vendorsQuery = queryOptions({ queryKey: ["vendors"], queryFn: hub.vendors, staleTime: 0 });
export const teamsQuery = queryOptions({ queryKey: ["teams"], queryFn: hub.teams });

export function conversationsQuery(list: List) {
  return infiniteQueryOptions({
    queryKey: [...keys.conversations, list],
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }): Promise<Conversations> => {
      const mark = journal.mark();
      const page = await hub.conversations(list.view, list.teamId, pageParam, signal);
      const known = new Set(page.items.map((row) => row.id));
      let data: ConversationPages = { pages: [page], pageParams: [pageParam] };
      for (const { conversation: row } of journal.since(mark)) {
        // A further page only takes corrections of its own rows; newcomers are placed in the list as a whole.
        if (row && (known.has(row.id) || (pageParam === null && belongs(row, list)))) data = placeRow(data, row, list);
      }
      return data.pages[0] ?? page;
    },
    getNextPageParam: (page) => page.next,
  });
}

export function conversationQuery(id: string) {
  return queryOptions({
    queryKey: keys.conversation(id),
    queryFn: async ({ signal }): Promise<ConversationDetail> => {
      const mark = journal.mark();
      const detail = await hub.conversation(id, signal);
      const row = journal.since(mark).findLast((entry) => entry.conversation?.id === id)?.conversation;
      return row ? { ...detail, conversation: row } : detail;
    },
  });
}

export function messagesQuery(id: string) {
  return infiniteQueryOptions({
    queryKey: keys.messages(id),
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }): Promise<Messages> => {
      const mark = journal.mark();
      const page = await hub.messages(id, pageParam, signal);
      if (pageParam !== null) return page;
      let data: MessagePages = { pages: [page], pageParams: [pageParam] };
      for (const message of messagesIn(journal.since(mark), id)) data = placeMessage(data, message);
      return data.pages[0] ?? page;
    },
    getNextPageParam: (page) => page.before,
  });
}

export function messagesIn(entries: Entry[], conversationId: string) {
  return entries.flatMap(({ message }) => (message?.conversation_id === conversationId ? [message] : []));
}

export function candidatesQuery(contactId: string) {
  return queryOptions({ queryKey: keys.candidates(contactId), queryFn: () => hub.candidates(contactId) });
}

/** A mail's body never changes. */
export function bodyQuery(messageId: string) {
  return queryOptions({ queryKey: ["body", messageId], queryFn: () => hub.body(messageId) });
}

/** Read again whenever somebody is about to send one: no event tells of them. */
/** They depend on where the customer writes now, and change when an inbox is connected or tested. */
export function linkPlacesQuery({ id, inbox_id }: Pick<ConversationOut, "id" | "inbox_id">) {
  return queryOptions({ queryKey: ["link-places", inbox_id], queryFn: () => hub.linkPlaces(id), staleTime: 60_000 });
}
export function templatesQuery(inboxId: string) {
  return queryOptions({ queryKey: keys.templates(inboxId), queryFn: () => hub.templates(inboxId), staleTime: 0 });
}

export const inboxesQuery = queryOptions({ queryKey: ["inboxes"], queryFn: hub.inboxes });

export function heldBackQuery(inboxId: string) {
  return infiniteQueryOptions({
    queryKey: [...keys.heldBack, inboxId],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => hub.heldBack(inboxId, pageParam, signal),
    getNextPageParam: (page) => page.next,
    // No event tells of what is held back: it is read afresh whenever the page is opened.
    staleTime: 0,
    refetchInterval: 30_000,
  });
}

export function articlesQuery(query: string, locale: string, state = "") {
  return infiniteQueryOptions({
    queryKey: [...keys.articles, query, locale, state],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => hub.articles(query, locale, state as ArticleOut["state"] | "", pageParam, signal),
    getNextPageParam: (page) => page.next,
  });
}

export function articleQuery(id: string, locale: string) {
  return queryOptions({ queryKey: keys.article(id, locale), queryFn: () => hub.article(id, locale) });
}

// The parts of the hub tell nobody when they change: the page looks again while it is open.
export const healthQuery = queryOptions({ queryKey: keys.health, queryFn: hub.health, refetchInterval: 5_000 });
/** For the warning that stands on every screen; a minute of silence is told within two. */
export const listenersQuery = queryOptions({ ...healthQuery, refetchInterval: 30_000 });
export const deadRowsQuery = queryOptions({ queryKey: keys.deadRows, queryFn: hub.deadRows, refetchInterval: 15_000 });
