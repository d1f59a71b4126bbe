/** The whole chat on the screen. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "./chat";
import { Composer } from "./composer";
import { Details } from "./details";
import { Icon } from "./icon";
import { Log } from "./log";
import type { State } from "./store";
import { WORDS, type Words } from "./words";

export function Screen({ chat, onClose }: { chat: Chat; onClose: (() => void) | null }) {
  const [state, setState] = useState(chat.state);
  useEffect(() => chat.subscribe(setState), [chat]);
  const words = WORDS[state.language];
  const { phase, settings, status } = state;
  const title = settings?.title[state.language] ?? "Chat";
  const offered = settings?.languages ?? [];
  const other = state.language === "en" ? "es" : "en";
  const agent = status?.status === "assigned" ? status.agent_name : null;

  useEffect(() => {
    document.documentElement.lang = state.language;
    document.title = title;
  }, [state.language, title]);

  // Whoever has just filled in the form wants to write.
  const before = useRef(phase);
  useEffect(() => {
    if (before.current !== phase && document.hasFocus()) document.querySelector<HTMLElement>("[data-focus]")?.focus();
    before.current = phase;
  }, [phase]);

  return (
    <main>
      <header>
        <span class="avatar" aria-hidden="true">
          {agent ? agent.slice(0, 1).toUpperCase() : <Icon name="chat" />}
        </span>
        <div class="who">
          <h1>{title}</h1>
          <p>{agent ? words.with(agent) : words.assistant}</p>
        </div>
        {offered.includes(other) && (
          <button class="plain language" aria-label={words.language} lang={other} onClick={() => chat.setLanguage(other)}>
            {other.toUpperCase()}
          </button>
        )}
        {onClose && (
          <button class="plain" aria-label={words.close} onClick={onClose}>
            <Icon name="close" />
          </button>
        )}
      </header>
      <div class="notices" role="status">
        <Notice state={state} words={words} />
      </div>
      {phase === "details" && <Details chat={chat} state={state} words={words} />}
      {phase === "chat" && <Log chat={chat} state={state} words={words} />}
      {phase === "chat" && <Composer chat={chat} state={state} words={words} />}
      {phase === "refused" && <p class="middle">{words.refused}</p>}
    </main>
  );
}

function Notice({ state, words }: { state: State; words: Words }) {
  const { connection, phase, status } = state;
  // A moment without a socket is nothing to speak of: most reconnects are over before anybody has read the words.
  const lost = connection === "offline" || (connection === "connecting" && phase !== "starting");
  const late = useLate(lost, connection === "offline" ? 400 : 2500);
  if (late) return <p class="offline">{words.offline}</p>;
  if (phase === "starting") return <p>{words.starting}</p>;
  if (status?.status === "waiting") return <p>{status.place ? words.place(status.place) : words.queued}</p>;
  return null;
}

/** `on`, but true only once it has been so for that many milliseconds. */
function useLate(on: boolean, after: number): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(on), on ? after : 0);
    return () => clearTimeout(timer);
  }, [on, after]);
  return late;
}
