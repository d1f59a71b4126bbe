import {
  IconBrandSlack,
  IconBrandTelegram,
  IconBrandWhatsapp,
  IconDeviceMobileMessage,
  IconMail,
  IconMessageCircle,
  IconMessages,
  IconPhone,
  type Icon,
} from "./icons";

import { useText } from "../text";

const ICONS: Record<string, Icon> = {
  webchat: IconMessageCircle,
  sms: IconDeviceMobileMessage,
  email: IconMail,
  voice: IconPhone,
  whatsapp: IconBrandWhatsapp,
  slack: IconBrandSlack,
  telegram: IconBrandTelegram,
};

export function ChannelIcon({ channel, size = 14 }: { channel: string; size?: number }) {
  const { word } = useText();
  const Sign = ICONS[channel] ?? IconMessages;
  return <Sign size={size} role="img" aria-label={word("channel", channel)} />;
}
