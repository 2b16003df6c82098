import { oneOf } from "./phrase.ts";

/** Anger shows early, and VADER's time grows faster than its text. Characters. */
const READ = 2_000;

/**
 * Words that VADER counts against a text and that say nothing against its reader: the refusal itself, regret, and the misfortunes
 * and troubles that people tell of themselves. Scored, "My father died last week" would get the mourner banned.
 */
const NOT_AGAINST_US = words(String.raw`
  no, sorry, unfortunately, regret, regretfully, apologi[sz]e, apologies, afraid, sad, sadly, lack, lacking, avoid, miss, missed, pay, low, cut,
  limited, busy, unable, refuse, decline, stop, died, dying, (?<!drop )dead, death, sick, ill, illness, hospital, pain, painful, cancer,
  grief, grieving, mourning, funeral, loss, losses, lost, suicide, abuse, abused, violence, emergency, accidents?, crisis, bankrupt,
  bankruptcy, broke, war, murder, injury, injuries, injured, debts?, problems?, troubles?, struggl(?:e|ing), fail(?:s|ed|ing|ure)?, victims?,
  damages?, crime, criminal(?= defense| law), lawsuits?, divorce, poor, unhappy, stressed, depressed, tragedy, tragic, worried, tired,
  hate(?= to | when | \w+ing\b), kill(?:ed|ing)? it, insane(?:ly)?`);

/** What VADER's lexicon of English tweets does not know or takes too lightly, and no reader would. Each is read as `ABUSE`. */
const AGAINST_US = words(String.raw`
  (?:f+u+c+k+|f[*@#u]+c?k|fck|fuk|screw|piss|sod|bugger|eff) +(?:right +)?(?:off|you|u|ya|yourselves|yourself|this|ur), go f\S{1,6} yourself
  g(?:o )?to hell, gtfo, stfu, gfy, kys, drop dead, eat shit, eat a dick, rot in hell, kill yourself, go die, shove it, kiss my ass
  suck my \S{1,9}, hope you (?:die|rot|choke|get cancer), shut (?:the \S{1,10} )?up, (?:kill|hurt|hunt|find) (?:you|u)(?= *(?:$|[.!]|and|if))
  scammers?, spammers?, con artists?, crooks?, scumbags?, scum, a(?:ss|rse|-?)holes?, douche(?:bag)?s?
  you(?:'re| are|r)?(?: \S{1,20}){0,2} pieces? of (?:shit|crap|trash|garbage), see you in court, hear from (?:my|our) (?:lawyer|attorney|solicitor)s?
  (?:i|we)(?:'ll| will|'m going to| am going to|'m gonna)(?: \w{1,20})? (?:sue|report (?:you|this|your)|press charges|take you to court)
  report(?:ing|ed) (?:you|this|your \w{1,20})(?= (?:to|as)), 🖕, 🤬
  va te faire (?:foutre|enculer), ta gueule, connards?, enculés?, vete a la mierda, chinga tu madre, hij[oa]s? de puta, que te jodan
  verpiss dich, fick dich, leck mich, arschl[oö]ch(?:er)?, vai se foder, vaffanculo, rot op`);
/** -0.84 where it stands alone, so that one of them outweighs a "thanks". */
const ABUSE = " , fuck you to hell , ";

type Vader = typeof import("vader-sentiment");
let vader: Vader | undefined;

/**
 * How kindly an English text is meant, -1 (hostile) … 1 (friendly), 0 where nothing tells: VADER's compound score (Hutto and Gilbert 2014)
 * of the first 2,000 characters, after words of regret and misfortune are taken out and abuse that VADER does not know is put in its words.
 * It weighs words and does not know whom they are meant for, so a threshold should leave room: at -0.6 polite refusals pass.
 */
export function scoreSentiment(text: string): number {
  // At the first use rather than at the start: reading its 7,500 words takes 8 to 15 ms.
  vader ??= require("vader-sentiment") as Vader;
  const read = text
    .slice(0, READ)
    .replace(/[’‘`´]/g, "'")
    .replace(AGAINST_US, ABUSE);
  return vader.SentimentIntensityAnalyzer.polarity_scores(read.replace(NOT_AGAINST_US, "thing")).compound;
}

/** Any of a list's words and phrases, as whole words. */
function words(list: string): RegExp {
  return new RegExp(String.raw`(?<!\p{L})${oneOf(list)}(?!\p{L})`, "giu");
}
