import type { ArticleOut } from "@centralita/shared/api";
import type { QueryClient } from "@tanstack/react-query";

import * as hub from "../api/hub";
import { applyArticle } from "./saveArticle";

/** Nobody is answered from it any more; its text stays. Raises HubError. */
export async function withdrawArticle(client: QueryClient, article: ArticleOut): Promise<void> {
  applyArticle(client, await hub.withdrawArticle(article.article_id, article.locale));
}
