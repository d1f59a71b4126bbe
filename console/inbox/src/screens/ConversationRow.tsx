import type { AgentOut, ConversationOut } from "@centralita/shared/api";
import { IconClock, IconRobot, IconZzz } from "../parts/icons";
import { Link } from "@tanstack/react-router";
import { memo } from "react";

import type { View } from "../api/hub";
import { brief } from "../format/time";
import { ChannelIcon } from "../parts/Channel";
import { Person } from "../parts/Person";
import { PriorityMark } from "../parts/Priority";
import { PromiseMark } from "../parts/Promise";
import { Since } from "../parts/Since";
import { addressOf, whoIs } from "../session/who";
import { useText, type Text } from "../text";
import classes from "./ConversationRow.module.css";

interface RowProps {
  row: ConversationOut;
  view: View;
  teamId: string | null;
  open: boolean;
  meId: string;
  assignee: AgentOut | undefined;
}

function lastWords({ last_message: last }: ConversationOut, mine: boolean, { t }: Text): string {
  if (!last) return t("list.noMessage");
  const text = last.text || t("list.attachment");
  if (last.author_kind === "vendor") return t("list.vendor", { text });
  if (last.kind === "note") return t("list.note", { text });
  if (last.author_kind === "bot") return t("list.bot", { text });
  if (last.author_kind === "agent" && mine) return t("list.you", { text });
  return text;
}

export const ConversationRow = memo(function ConversationRow({ row, view, teamId, open, meId, assignee }: RowProps) {
  const text = useText();
  const { t, counted } = text;
  const name = whoIs(row, text);
  const number = addressOf(row);
  return (
    <li className={classes.item}>
      <Link
        to="/$view/$conversationId"
        params={{ view, conversationId: row.id }}
        search={teamId ? { team: teamId } : {}}
        className={classes.row}
        data-open={open || undefined}
        aria-current={open ? "true" : undefined}
        preload={false}
      >
        <span className={classes.face}>
          <Person id={row.contact.id} name={name} />
          <span className={classes.channel}>
            <ChannelIcon channel={row.channel} size={13} />
          </span>
        </span>
        <span className={classes.text}>
          <span className={classes.line}>
            <span className={classes.name}>{name}</span>
            <PriorityMark priority={row.priority} />
            <time className={classes.time} dateTime={row.last_activity_at}>
              {brief(row.last_activity_at, text)}
            </time>
          </span>
          {row.subject && <span className={classes.subject}>{row.subject}</span>}
          <span className={classes.line}>
            <span className={classes.last} data-unread={row.unread > 0 || undefined}>
              {lastWords(row, row.assignee_id === meId, text)}
            </span>
            {row.unread > 0 && (
              <span className={classes.unread} role="img" aria-label={counted("list.unread", row.unread)}>
                {row.unread}
              </span>
            )}
          </span>
          <span className={classes.facts}>
            <span>#{row.ticket_number}</span>
            {number && number !== name && <span className={classes.number}>{number}</span>}
            {row.status === "waiting" && row.waiting_since ? (
              <span className={classes.waiting}>
                <IconClock size={13} role="img" aria-label={t("status.waiting")} /> <Since at={row.waiting_since} />
              </span>
            ) : (
              <Status row={row} assignee={assignee} view={view} />
            )}
            <PromiseMark sla={row.sla} />
          </span>
        </span>
      </Link>
    </li>
  );
});

function Status({ row, assignee, view }: { row: ConversationOut; assignee: AgentOut | undefined; view: View }) {
  const text = useText();
  if (row.status === "snoozed" && row.snoozed_until) {
    return (
      <span className={classes.status}>
        <IconZzz size={13} role="img" aria-label={text.t("status.snoozed")} /> {brief(row.snoozed_until, text)}
      </span>
    );
  }
  if (row.status === "assigned" && assignee && view !== "mine") {
    return (
      <span className={classes.status}>
        <Person id={assignee.id} name={assignee.name} size={16} /> {assignee.name}
      </span>
    );
  }
  if (row.status === view || view === "mine") return null;
  return (
    <span className={classes.status}>
      {row.status === "bot" && <IconRobot size={13} aria-hidden />} {text.t(`status.${row.status}`)}
    </span>
  );
}
