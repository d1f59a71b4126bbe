/** The shapes of `/widget/v1`, by the names they have among themselves. */
import type { AttachmentOut } from "@centralita/shared/api";

export type {
  Accepted,
  AttachmentOut as Attachment,
  WidgetEntry as Entry,
  WidgetFeed as FeedPage,
  WidgetMessage as Message,
  WidgetSessionOut as Session,
  WidgetSettings as Settings,
  WidgetStatus as Status,
  WidgetWindow as Opening,
} from "@centralita/shared/api";

export type Language = "en" | "es";

/** A message on its way. `client_id` makes sending it again harmless. */
export interface Pending {
  client_id: string;
  text: string;
  attachments: AttachmentOut[];
  payload?: string;
  reply_to?: string;
  at: string;
}
