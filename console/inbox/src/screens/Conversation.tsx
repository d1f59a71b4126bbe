import { Skeleton } from "@mantine/core";
import { IconMoodEmpty } from "../parts/icons";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";

import { HubError } from "../api/http";
import { conversationQuery } from "../api/queries";
import { Empty, Failed, Loading } from "../parts/Pane";
import { useShortcuts } from "../parts/useShortcuts";
import { waysOf } from "../session/ways";
import { useText } from "../text";
import { Composer } from "./Composer";
import classes from "./Conversation.module.css";
import { ConversationHeader } from "./ConversationHeader";
import { Details } from "./Details";
import { Thread } from "./Thread";
import { useSplit } from "./useSplit";

const route = getRouteApi("/shell/$view/$conversationId");

export function Conversation() {
  const { conversationId } = route.useParams();
  // Everything below begins afresh with another conversation.
  return <Opened key={conversationId} id={conversationId} />;
}

function Opened({ id }: { id: string }) {
  const { t } = useText();
  const { panel } = route.useSearch();
  const navigate = useNavigate();
  const query = useQuery(conversationQuery(id));
  const split = useSplit();

  const close = () => void navigate({ from: "/$view/$conversationId", to: "/$view", search: (now) => ({ ...(now.team ? { team: now.team } : {}) }) });
  const setPanel = (next: "details" | "none" | undefined) =>
    void navigate({
      from: "/$view/$conversationId",
      to: ".",
      search: (now) => ({ ...(now.team ? { team: now.team } : {}), ...(next ? { panel: next } : {}) }),
    });
  useShortcuts({ Escape: panel === "details" ? () => setPanel(undefined) : close });

  if (query.error instanceof HubError && query.error.status === 404) {
    return <Empty icon={IconMoodEmpty} title={t("thread.notFound")} />;
  }
  if (query.isError && !query.data) return <Failed error={query.error} again={() => void query.refetch()} />;
  if (!query.data) {
    return (
      <div className={classes.screen}>
        <div className={classes.middle}>
          <div className={classes.headerGhost}>
            <Skeleton height={20} width={180} />
          </div>
          <div className={classes.fill}>
            <Loading lines={5} height={52} />
          </div>
        </div>
      </div>
    );
  }

  const detail = query.data;
  return (
    <div className={classes.screen} data-panel={panel}>
      <div className={classes.middle}>
        <ConversationHeader detail={detail} onBack={close} onSplit={split.begin} panel={panel} setPanel={setPanel} />
        <Thread detail={detail} split={split} />
        {detail.conversation.merged_into === null && !split.active && <Composer detail={detail} ways={waysOf(detail)} />}
      </div>
      <aside id="details" className={classes.details} aria-label={t("packet.label")}>
        <Details detail={detail} onClose={() => setPanel(panel === "details" ? undefined : "none")} />
      </aside>
    </div>
  );
}
