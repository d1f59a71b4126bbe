/** Calls and queries of what the questions teach: gaps, lessons, cases, backtests; help while an agent reads. */
import type { BacktestIn, GuideIn, LessonIn } from "@centralita/shared/api";
import { queryOptions } from "@tanstack/react-query";

import { answerOf, api } from "./http";

const of = (id: string) => ({ params: { path: { conversation_id: id } } });

export const searchGaps = () => answerOf(api.POST("/api/v1/gaps/search"));
export const beginArticle = (id: string) =>
  answerOf(api.POST("/api/v1/gaps/{gap_id}/article", { params: { path: { gap_id: id } } }));
export const dismissGap = (id: string) =>
  answerOf(api.POST("/api/v1/gaps/{gap_id}/dismiss", { params: { path: { gap_id: id } } }));
export const teach = (id: string, body: LessonIn) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/lessons", { ...of(id), body }));
export const acceptLesson = (id: string) =>
  answerOf(api.POST("/api/v1/lessons/{lesson_id}/accept", { params: { path: { lesson_id: id } } }));
export const declineLesson = (id: string) =>
  answerOf(api.POST("/api/v1/lessons/{lesson_id}/decline", { params: { path: { lesson_id: id } } }));
export const acceptCase = (id: string) =>
  answerOf(api.POST("/api/v1/cases/{case_id}/accept", { params: { path: { case_id: id } } }));
export const declineCase = (id: string) =>
  answerOf(api.POST("/api/v1/cases/{case_id}/decline", { params: { path: { case_id: id } } }));
export const askBacktest = (body: BacktestIn) => answerOf(api.POST("/api/v1/backtests", { body }));
export const setGuide = (id: string, body: GuideIn) =>
  answerOf(api.PUT("/api/v1/conversations/{conversation_id}/guide", { ...of(id), body }));
export const draftAnswer = (id: string) =>
  answerOf(api.POST("/api/v1/conversations/{conversation_id}/assist/draft", of(id)));

export const learningKeys = { gaps: ["gaps"], lessons: ["lessons"], cases: ["cases"], backtests: ["backtests"] } as const;

// Nobody is told when a long piece of work ends: the page looks again while one is under way.
const SOON = 2_000;

export const gapsQuery = queryOptions({
  queryKey: learningKeys.gaps,
  queryFn: () => answerOf(api.GET("/api/v1/gaps")),
  staleTime: 0,
  refetchInterval: (query) => (query.state.data?.searching ? SOON : false),
});
export const gapQuery = (id: string) =>
  queryOptions({
    queryKey: [...learningKeys.gaps, id],
    queryFn: () => answerOf(api.GET("/api/v1/gaps/{gap_id}", { params: { path: { gap_id: id } } })),
  });
export const gapConversationQuery = (gap_id: string, conversation_id: string) =>
  queryOptions({
    queryKey: [...learningKeys.gaps, gap_id, conversation_id],
    queryFn: () =>
      answerOf(
        api.GET("/api/v1/gaps/{gap_id}/conversations/{conversation_id}", { params: { path: { gap_id, conversation_id } } }),
      ),
  });
export const lessonsQuery = queryOptions({
  queryKey: learningKeys.lessons,
  queryFn: () => answerOf(api.GET("/api/v1/lessons", { params: { query: { state: "proposed" } } })),
  staleTime: 0,
});
export const casesQuery = queryOptions({
  queryKey: learningKeys.cases,
  queryFn: () => answerOf(api.GET("/api/v1/cases", { params: { query: { state: "proposed" } } })),
  staleTime: 0,
});
export const caseBasesQuery = queryOptions({
  queryKey: ["caseBases"],
  queryFn: () => answerOf(api.GET("/api/v1/case-bases")),
});
export const backtestsQuery = queryOptions({
  queryKey: learningKeys.backtests,
  queryFn: () => answerOf(api.GET("/api/v1/backtests")),
  staleTime: 0,
});
export const backtestQuery = (id: string) =>
  queryOptions({
    queryKey: [...learningKeys.backtests, id],
    queryFn: () => answerOf(api.GET("/api/v1/backtests/{task_id}", { params: { path: { task_id: id } } })),
    refetchInterval: (query) => (query.state.data?.state === "waiting" ? SOON : false),
  });
export const assistQuery = (id: string, last: string) =>
  queryOptions({
    queryKey: ["assist", id, last],
    queryFn: () => answerOf(api.GET("/api/v1/conversations/{conversation_id}/assist", of(id))),
  });
export const guideQuery = (id: string, last: string) =>
  queryOptions({
    queryKey: ["guide", id, last],
    queryFn: () => answerOf(api.GET("/api/v1/conversations/{conversation_id}/guide", of(id))),
  });
