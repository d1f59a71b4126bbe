import type { ArticleOut } from "@centralita/shared/api";
import type { QueryClient } from "@tanstack/react-query";

import * as hub from "../api/hub";
import { applyArticle } from "./saveArticle";

/** Makes the draft the next version, from which customers are answered, now or at a time. Raises HubError. */
export async function publishArticle(client: QueryClient, article: ArticleOut, at: string | null, acceptBroken: boolean): Promise<void> {
  applyArticle(client, await hub.publishArticle(article.article_id, article.locale, { at, accept_broken: acceptBroken }));
}
