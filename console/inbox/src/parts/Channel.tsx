import {
  IconBrandInstagram,
  IconBrandLine,
  IconBrandMessenger,
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
  line: IconBrandLine,
  messenger: IconBrandMessenger,
  instagram: IconBrandInstagram,
};

interface ChannelIconProps {
  channel: string;
  size?: number;
  /** The channel's name stands beside it. */
  decorative?: boolean;
}

export function ChannelIcon({ channel, size = 14, decorative = false }: ChannelIconProps) {
  const { word } = useText();
  const Sign = ICONS[channel] ?? IconMessages;
  return <Sign size={size} {...(decorative ? { "aria-hidden": true } : { role: "img", "aria-label": word("channel", channel) })} />;
}
