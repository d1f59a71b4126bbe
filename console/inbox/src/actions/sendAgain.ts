import type { AttachmentOut, MessageOut } from "@centralita/shared/api";
import type { QueryClient } from "@tanstack/react-query";

import { networkError } from "../api/http";
import * as hub from "../api/hub";
import { newMessage, send } from "./send";

/**
 * Sends what a message said once more, by the same way, as a message of its own: the thread tells that there were two.
 * Raises HubError where a file of it cannot be had.
 */
export async function sendAgain(client: QueryClient, message: MessageOut): Promise<void> {
  // A stored file belongs to one message.
  const attachments = await Promise.all(message.attachments.map(copied));
  const { conversation_id: conversationId, text, inbox_id: inboxId } = message;
  await send(client, newMessage({ conversationId, kind: "reply", text, attachments, inboxId, identityId: null }));
}

async function copied({ url, name, media_type }: AttachmentOut): Promise<AttachmentOut> {
  const answer = await fetch(url).catch(() => null);
  if (!answer?.ok) throw networkError();
  const file = new File([await answer.blob()], name, { type: media_type });
  return hub.upload(file, () => undefined, new AbortController().signal);
}
