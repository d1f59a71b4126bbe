/** What the screens of the inboxes' settings ask of the hub. */
import type { InboxIn, NewInboxIn } from "@centralita/shared/api";

import { queryOptions } from "@tanstack/react-query";

import { answerOf, api } from "./http";

const inbox = (inbox_id: string) => ({ params: { path: { inbox_id } } });

export const kinds = () => answerOf(api.GET("/api/v1/inbox-kinds"));
export const settings = () => answerOf(api.GET("/api/v1/inboxes/settings"));
export const add = (body: NewInboxIn) => answerOf(api.POST("/api/v1/inboxes", { body }));
export const change = (id: string, body: InboxIn) =>
  answerOf(api.PUT("/api/v1/inboxes/{inbox_id}/settings", { ...inbox(id), body }));
export const test = (id: string) => answerOf(api.POST("/api/v1/inboxes/{inbox_id}/test", inbox(id)));
export const turn = (id: string, on: boolean) =>
  answerOf(api.PUT("/api/v1/inboxes/{inbox_id}/switch", { ...inbox(id), body: { on } }));
export const resume = (id: string) => answerOf(api.POST("/api/v1/inboxes/{inbox_id}/resume", inbox(id)));

export const kindsQuery = queryOptions({ queryKey: ["inbox-kinds"], queryFn: kinds });
// Read again and again while somebody looks: what a provider does is told by no event.
export const settingsQuery = queryOptions({
  queryKey: ["inboxes", "settings"],
  queryFn: settings,
  staleTime: 0,
  refetchInterval: 15_000,
});
