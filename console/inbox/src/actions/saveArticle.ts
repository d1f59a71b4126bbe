import type { ArticleIn, ArticleOut } from "@centralita/shared/api";
import type { QueryClient } from "@tanstack/react-query";

import * as hub from "../api/hub";
import { keys } from "../api/queries";

/** Shows an article as the hub now has it, in its editor and in the lists. */
export function applyArticle(client: QueryClient, article: ArticleOut): void {
  client.setQueryData(keys.article(article.article_id, article.locale), article);
  void client.invalidateQueries({ queryKey: keys.articles });
}

/** Keeps the editor's text as a draft; what customers are answered from does not change. Raises HubError. */
export async function saveArticle(client: QueryClient, isNew: boolean, fields: ArticleIn): Promise<ArticleOut> {
  const saved =
    isNew || !fields.article_id
      ? await hub.createArticle(fields)
      : await hub.saveArticle(fields.article_id, fields.locale, fields);
  applyArticle(client, saved);
  return saved;
}
