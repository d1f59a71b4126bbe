/** What editors do beside writing. */
import type { CategoryIn, PlacementIn, TestQuestionIn } from "@centralita/shared/api";
import { queryOptions } from "@tanstack/react-query";

import { answerOf, api, csrfHeader, errorOf, networkError } from "./http";

const at = (articleId: string, locale: string) => ({ params: { path: { article_id: articleId, locale } } });

/** Steps of an article that need nothing but its name. */
export type Step = "submit" | "approve" | "withdraw" | "unschedule" | "archive" | "unarchive";

export const step = (id: string, locale: string, name: Step) =>
  answerOf(api.POST(`/api/v1/articles/{article_id}/{locale}/${name}`, at(id, locale)));
export const sendBack = (id: string, locale: string, note: string) =>
  answerOf(api.POST("/api/v1/articles/{article_id}/{locale}/send-back", { ...at(id, locale), body: { note } }));
export const restore = (id: string, locale: string, version: number) =>
  answerOf(api.POST("/api/v1/articles/{article_id}/{locale}/restore", { ...at(id, locale), body: { version } }));
export const setExpiry = (id: string, locale: string, expires_at: string | null) =>
  answerOf(api.PUT("/api/v1/articles/{article_id}/{locale}/expiry", { ...at(id, locale), body: { expires_at } }));
export const place = (id: string, body: PlacementIn) =>
  answerOf(api.PUT("/api/v1/articles/{article_id}/placement", { params: { path: { article_id: id } }, body }));

export const versionsQuery = (id: string, locale: string) =>
  queryOptions({
    queryKey: ["article", id, locale, "versions"],
    queryFn: () => answerOf(api.GET("/api/v1/articles/{article_id}/{locale}/versions", at(id, locale))),
    staleTime: 0,
  });
export const differenceQuery = (id: string, locale: string, earlier: number, later: number, updated: string) =>
  queryOptions({
    queryKey: ["article", id, locale, "difference", earlier, later, updated],
    queryFn: () =>
      answerOf(
        api.GET("/api/v1/articles/{article_id}/{locale}/difference", {
          params: { path: { article_id: id, locale }, query: { earlier, later } },
        }),
      ),
  });
export const figuresQuery = (id: string, locale: string) =>
  queryOptions({
    queryKey: ["article", id, locale, "figures"],
    queryFn: () => answerOf(api.GET("/api/v1/articles/{article_id}/{locale}/figures", at(id, locale))),
    staleTime: 0,
  });
export const articleTrial = (id: string, locale: string) =>
  answerOf(api.GET("/api/v1/articles/{article_id}/{locale}/trial", at(id, locale)));

export const categoriesQuery = queryOptions({
  queryKey: ["article-categories"],
  queryFn: () => answerOf(api.GET("/api/v1/article-categories")),
  staleTime: 0,
});
export const addCategory = (body: CategoryIn) => answerOf(api.POST("/api/v1/article-categories", { body }));
export const changeCategory = (id: string, body: CategoryIn) =>
  answerOf(api.PUT("/api/v1/article-categories/{category_id}", { params: { path: { category_id: id } }, body }));
export const removeCategory = (id: string) =>
  answerOf(api.DELETE("/api/v1/article-categories/{category_id}", { params: { path: { category_id: id } } }));

export const checksQuery = queryOptions({
  queryKey: ["knowledge", "checks"],
  queryFn: () => answerOf(api.GET("/api/v1/knowledge/checks")),
  staleTime: 0,
});
export const trialQuery = queryOptions({
  queryKey: ["knowledge", "trial"],
  queryFn: () => answerOf(api.GET("/api/v1/knowledge/trial")),
  staleTime: 0,
});
export const addQuestion = (body: TestQuestionIn) => answerOf(api.POST("/api/v1/knowledge/questions", { body }));
export const changeQuestion = (id: string, body: TestQuestionIn) =>
  answerOf(api.PUT("/api/v1/knowledge/questions/{question_id}", { params: { path: { question_id: id } }, body }));
export const removeQuestion = (id: string) =>
  answerOf(api.DELETE("/api/v1/knowledge/questions/{question_id}", { params: { path: { question_id: id } } }));

export const FORMATS = ["markdown", "csv", "zendesk", "chatwoot"] as const;
export type Format = (typeof FORMATS)[number];
export interface Imported {
  created: number;
  changed: number;
  unchanged: number;
  refused: { where: string; rule: string }[];
}

async function upload(path: string, file: File): Promise<unknown> {
  const form = new FormData();
  form.set("file", file);
  const response = await fetch(path, { method: "POST", body: form, headers: [csrfHeader()] }).catch(() => {
    throw networkError();
  });
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) throw errorOf(response.status, answer);
  return answer;
}

export const importFile = (format: Format, file: File) =>
  upload(`/api/v1/articles/import/${format}`, file) as Promise<Imported>;
/** What an article's HTML shows the picture by. */
export const uploadImage = async (file: File) => ((await upload("/api/v1/article-images", file)) as { src: string }).src;
