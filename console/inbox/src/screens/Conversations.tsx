import { getRouteApi, Outlet, useParams } from "@tanstack/react-router";

import classes from "./Conversations.module.css";
import { ConversationList } from "./ConversationList";

const route = getRouteApi("/shell/$view");

/** List and conversation side by side; on a phone one after the other. */
export function Conversations() {
  const { view } = route.useParams();
  const { team } = route.useSearch();
  const { conversationId } = useParams({ strict: false });
  return (
    <div className={classes.split} data-open={conversationId !== undefined || undefined}>
      <div className={classes.list}>
        <ConversationList key={`${view}/${team ?? ""}`} view={view} teamId={team ?? null} openId={conversationId} />
      </div>
      <div className={classes.conversation}>
        <Outlet />
      </div>
    </div>
  );
}
