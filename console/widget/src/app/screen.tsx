/** The whole chat on the screen: a function of its state. */
import type { Chat } from "./chat";
import { Composer } from "./composer";
import { Details } from "./details";
import { Icon } from "./icon";
import { Log } from "./log";
import { away } from "./opening";
import type { State } from "./store";
import type { Words } from "./words";

export interface Props {
  chat: Chat;
  state: State;
  words: Words;
}

interface ScreenProps extends Props {
  now: number;
  /** Null where there is no panel to close. */
  onClose: (() => void) | null;
}

export function Screen({ chat, state, words, now, onClose }: ScreenProps) {
  const { phase, settings, status, language } = state;
  const other = language === "en" ? "es" : "en";
  const agent = status?.status === "assigned" && status.agent_name;
  const back = agent ? null : away(state.open, now, language);
  const props = { chat, state, words };
  return (
    <main>
      <header>
        <span class="avatar" aria-hidden="true">
          {agent ? agent[0]?.toUpperCase() : <Icon name="chat" />}
        </span>
        <div class="who">
          <h1>{settings?.title[language] ?? "Chat"}</h1>
          <p>{agent ? words.with(agent) : words.assistant}</p>
        </div>
        {settings?.languages.includes(other) && (
          <button class="plain language" aria-label={words.language} lang={other} onClick={() => chat.speak(other)}>
            {other.toUpperCase()}
          </button>
        )}
        {onClose && (
          <button class="plain" aria-label={words.close} onClick={onClose}>
            <Icon name="close" />
          </button>
        )}
      </header>
      <p class={`notice ${state.connection}`} role="status">
        {notice(state, words)}
      </p>
      {back !== null && <p class="notice away">{words.away(back)}</p>}
      {phase === "details" && <Details {...props} />}
      {phase === "chat" && <Log {...props} />}
      {phase === "chat" && <Composer {...props} />}
    </main>
  );
}

function notice({ connection, phase, status }: State, words: Words): string {
  if (phase === "refused") return words.refused;
  if (phase === "starting") return connection === "offline" ? words.retrying : words.starting;
  if (connection === "offline") return words.offline;
  return status?.status === "waiting" ? words.queue(status.place) : "";
}
