import { Alert, Button, Loader } from "@mantine/core";
import type { ConversationDetail, MessageOut, SegmentOut } from "@centralita/shared/api";
import { IconArrowDown, IconBan, IconCircleCheck } from "../parts/icons";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useLayoutEffect, useRef, useState } from "react";

import { useUnsent } from "../actions/send";
import { split as splitAction } from "../actions/split";
import { useAct } from "../actions/useAct";
import { messagesQuery } from "../api/queries";
import { clock, day } from "../format/time";
import { tellReading } from "../live/connection";
import { messagesOf } from "../live/rows";
import { useTypists } from "../live/typing";
import { Failed, Loading } from "../parts/Pane";
import { happeningOf, linkOf } from "../session/links";
import { useMe } from "../session/me";
import { useText } from "../text";
import { Message } from "./Message";
import { SegmentDivider } from "./SegmentDivider";
import { SomebodyElse } from "./SomebodyElse";
import classes from "./Thread.module.css";
import { threadItems, type Happening, type ThreadItem } from "./threadItems";
import { UnsentMessage } from "./UnsentMessage";
import type { Split } from "./useSplit";

const route = getRouteApi("/shell/$view/$conversationId");

/** How near the end still counts as reading the latest, in pixels. */
const NEAR = 80;
export function Thread({ detail, split }: { detail: ConversationDetail; split: Split }) {
  const { t, counted } = useText();
  const { conversation } = detail;
  const query = useInfiniteQuery(messagesQuery(conversation.id));
  const unsent = useUnsent(conversation.id);
  const messages = query.data ? messagesOf(query.data) : [];
  const items = threadItems({ messages, happenings: detail.consent.map(happeningOf), complete: query.isSuccess && !query.hasNextPage });
  const channels = new Set(messages.flatMap(({ channel }) => channel || [])).size > 1;
  const { scroller, content, onScroll, unseen, toEnd } = useSticky(messages, unsent.length);
  const { team } = route.useSearch();

  const me = useMe();
  const newest = messages.findLast(({ kind }) => kind === "incoming")?.id;
  const isMine = conversation.assignee_id === me.id;
  useEffect(() => {
    const tell = () => {
      if (newest && isMine && document.visibilityState === "visible") tellReading(conversation.id);
    };
    tell();
    document.addEventListener("visibilitychange", tell);
    return () => document.removeEventListener("visibilitychange", tell);
  }, [conversation.id, newest, isMine]);

  const sentIds = new Set(messages.map(({ client_id }) => client_id));
  const waiting = unsent.filter(({ clientId }) => !sentIds.has(clientId));

  return (
    <div className={classes.thread}>
      {conversation.merged_into !== null && (
        <Alert color="yellow" className={classes.merged ?? ""}>
          {t("thread.merged")}{" "}
          <Link
            from="/$view/$conversationId"
            to="."
            params={{ conversationId: conversation.merged_into }}
            search={team ? { team } : {}}
          >
            {t("thread.mergedOpen")}
          </Link>
        </Alert>
      )}
      <div ref={scroller} className={classes.scroller} onScroll={onScroll}>
        {query.isPending && <Loading lines={5} height={52} />}
        {query.isError && messages.length === 0 && <Failed error={query.error} again={() => void query.refetch()} />}
        {query.isSuccess && (
          <div ref={content} className={classes.content}>
            <div className={classes.top}>
              {query.hasNextPage ? (
                <Button variant="subtle" size="compact-sm" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  {query.isFetchingNextPage ? <Loader size="xs" aria-label={t("pane.loading")} /> : t("thread.earlier")}
                </Button>
              ) : (
                <span>{t("thread.beginning")}</span>
              )}
            </div>
            <div role="log" aria-label={t("thread.label")} aria-relevant="additions">
              {items.map((item) => (
                <Item key={item.key} item={item} detail={detail} channels={channels} split={split} />
              ))}
            </div>
            {waiting.map((message) => (
              <UnsentMessage key={message.clientId} message={message} />
            ))}
          </div>
        )}
      </div>
      <Typing conversationId={conversation.id} contactName={detail.contact.name} />
      {unseen !== null && (
        <button type="button" className={classes.pill} onClick={toEnd} aria-label={t("thread.toBottom")}>
          <IconArrowDown size={16} aria-hidden />
          {unseen > 0 && counted("thread.newMessages", unseen)}
        </button>
      )}
      {split.active && <SplitBar detail={detail} split={split} />}
    </div>
  );
}

interface ItemProps {
  item: ThreadItem;
  detail: ConversationDetail;
  channels: boolean;
  split: Split;
}

function Item({ item, detail, channels, split }: ItemProps) {
  const text = useText();
  switch (item.type) {
    case "day":
      return (
        <p className={classes.day}>
          <span>{day(item.at, text)}</span>
        </p>
      );
    case "segment":
      return <Continued segment={item.segment} detail={detail} />;
    case "happening":
      return <HappeningLine happening={item.happening} name={detail.contact.name} />;
    case "message":
      return (
        <Message message={item.message} contactName={detail.contact.name} conversation={detail.conversation} heading={item.heading} channels={channels} split={split} />
      );
  }
}

function Continued({ segment, detail: { contact, conversation } }: { segment: SegmentOut; detail: ConversationDetail }) {
  const identity = contact.identities.find(({ id }) => id === segment.identity_id);
  return (
    <SegmentDivider segment={segment} link={identity ? linkOf(identity, contact) : null}>
      {identity && <SomebodyElse conversation={conversation} identity={identity} />}
    </SegmentDivider>
  );
}

function HappeningLine({ happening, name }: { happening: Happening; name: string }) {
  const text = useText();
  const { t, word } = text;
  const { kind, how, by, channel, address, at } = happening;
  const way = [word("channel", channel), address].filter(Boolean).join(" ");
  const Sign = kind === "forbidden" ? IconBan : IconCircleCheck;
  return (
    <p className={classes.happening} data-kind={kind}>
      <Sign size={15} aria-hidden />
      <span>
        {t(`consent.${kind}Line`, { name: name || t("thread.customer"), way })} ({by || word(kind === "forbidden" ? "consentHow" : "consentGiven", how)}, {clock(at, text)})
      </span>
    </p>
  );
}

function Typing({ conversationId, contactName }: { conversationId: string; contactName: string }) {
  const { t } = useText();
  const me = useMe();
  const typists = useTypists(conversationId).filter((author) => author.id !== me.id);
  const names = typists.map(({ kind, name }) => {
    if (kind === "bot") return t("thread.bot");
    return name || (kind === "contact" ? contactName || t("thread.customer") : t("thread.someone"));
  });
  return (
    <p className={classes.typing} aria-live="polite">
      {names.length > 0 && t("thread.typing", { name: names.join(", ") })}
    </p>
  );
}

function SplitBar({ detail, split }: { detail: ConversationDetail; split: Split }) {
  const { t, counted } = useText();
  const { act, busy } = useAct(detail.conversation);
  const client = useQueryClient();
  const count = split.chosen.size;

  async function run() {
    if (!(await act(splitAction, [...split.chosen]))) return;
    split.end();
    await client.invalidateQueries({ queryKey: messagesQuery(detail.conversation.id).queryKey });
  }

  return (
    <div className={classes.split} role="group" aria-label={t("action.split")}>
      <span>{t("split.lead")}</span>
      <Button variant="default" onClick={split.end}>
        {t("action.cancel")}
      </Button>
      <Button disabled={count === 0} loading={busy !== null} onClick={() => void run()}>
        {counted("split.run", count)}
      </Button>
    </div>
  );
}

/** Stays at the newest message for as long as the reader does, and never moves what they read further up. */
function useSticky(messages: MessageOut[], unsentCount: number) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const stuck = useRef(true);
  const anchor = useRef<{ first: string | undefined; fromEnd: number }>({ first: undefined, fromEnd: 0 });
  // The last message that was on the screen when the reader left the end; null while they are there.
  const [leftAt, setLeftAt] = useState<string | null>(null);

  const first = messages[0]?.id;
  const last = messages.at(-1);

  const toEnd = () => {
    stuck.current = true;
    setLeftAt(null);
    const box = scroller.current;
    if (box) box.scrollTop = box.scrollHeight;
  };

  const onScroll = () => {
    const box = scroller.current;
    if (!box) return;
    const fromEnd = box.scrollHeight - box.scrollTop;
    anchor.current.fromEnd = fromEnd;
    const near = fromEnd - box.clientHeight < NEAR;
    stuck.current = near;
    if (near) setLeftAt(null);
    else setLeftAt((at) => at ?? last?.id ?? null);
  };

  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    if (stuck.current) box.scrollTop = box.scrollHeight;
    // Earlier messages came in above: what was being read stays where it is.
    else if (anchor.current.first !== first) box.scrollTop = box.scrollHeight - anchor.current.fromEnd;
    anchor.current = { first, fromEnd: box.scrollHeight - box.scrollTop };
  }, [first, last?.id]);

  // One's own message is always followed; scrolling to the end clears what counted as unseen.
  useLayoutEffect(() => {
    const box = scroller.current;
    if (unsentCount > 0 && box) box.scrollTop = box.scrollHeight;
  }, [unsentCount]);

  // Pictures arrive late and the composer grows: the end stays in sight all the same.
  const ready = first !== undefined;
  useEffect(() => {
    const box = scroller.current;
    if (!ready || !box || !content.current) return;
    const observer = new ResizeObserver(() => {
      if (stuck.current) box.scrollTop = box.scrollHeight;
    });
    observer.observe(content.current);
    observer.observe(box);
    return () => observer.disconnect();
  }, [ready]);

  const seen = leftAt === null ? -1 : messages.findIndex(({ id }) => id === leftAt);
  const unseen = leftAt === null ? null : seen < 0 ? 0 : messages.length - 1 - seen;
  return { scroller, content, onScroll, unseen, toEnd };
}
