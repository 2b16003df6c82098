import { alternation } from "./phrase.ts";

/** Hostility shows early, and VADER's time grows faster than its text. */
const MAX_SCORED_CHARS = 2_000;

/**
 * Words that VADER scores as negative although they are not hostile to the reader: refusals, regret, and people's own misfortunes.
 * Scored, "My father died last week" would get the writer banned.
 */
const NOT_HOSTILE = wholeWords(String.raw`
  no, sorry, unfortunately, regret, regretfully, apologi[sz]e, apologies, afraid, sad, sadly, lack, lacking, avoid, miss, missed, pay, low, cut,
  limited, busy, unable, refuse, decline, stop, died, dying, (?<!drop )dead, death, sick, ill, illness, hospital, pain, painful, cancer,
  grief, grieving, mourning, funeral, loss, losses, lost, suicide, abuse, abused, violence, emergency, accidents?, crisis, bankrupt,
  bankruptcy, broke, war, murder, injury, injuries, injured, debts?, problems?, troubles?, struggl(?:e|ing), fail(?:s|ed|ing|ure)?, victims?,
  damages?, crime, criminal(?= defense| law), lawsuits?, divorce, poor, unhappy, stressed, depressed, tragedy, tragic, worried, tired,
  hate(?= to | when | \w+ing\b), kill(?:ed|ing)? it, insane(?:ly)?`);

/** Abuse that VADER's lexicon of English tweets lacks or scores too mildly. Each is replaced with `SCORED_ABUSE`. */
const HOSTILE = wholeWords(String.raw`
  (?:f+u+c+k+|f[*@#u]+c?k|fck|fuk|screw|piss|sod|bugger|eff) +(?:right +)?(?:off|you|u|ya|yourselves|yourself|this|ur), go f\S{1,6} yourself
  g(?:o )?to hell, gtfo, stfu, gfy, kys, drop dead, eat shit, eat a dick, rot in hell, kill yourself, go die, shove it, kiss my ass
  suck my \S{1,9}, hope you (?:die|rot|choke|get cancer), shut (?:the \S{1,10} )?up, (?:kill|hurt|hunt|find) (?:you|u)(?= *(?:$|[.!]|and|if))
  scammers?, spammers?, con artists?, crooks?, scumbags?, scum, a(?:ss|rse|-?)holes?, douche(?:bag)?s?
  you(?:'re| are|r)?(?: \S{1,20}){0,2} pieces? of (?:shit|crap|trash|garbage), see you in court, hear from (?:my|our) (?:lawyer|attorney|solicitor)s?
  (?:i|we)(?:'ll| will|'m going to| am going to|'m gonna)(?: \w{1,20})? (?:sue|report (?:you|this|your)|press charges|take you to court)
  report(?:ing|ed) (?:you|this|your \w{1,20})(?= (?:to|as)), 🖕, 🤬
  va te faire (?:foutre|enculer), ta gueule, connards?, enculés?, vete a la mierda, chinga tu madre, hij[oa]s? de puta, que te jodan
  verpiss dich, fick dich, leck mich, arschl[oö]ch(?:er)?, vai se foder, vaffanculo, rot op`);
/** Scores -0.84 alone, so that one outweighs a "thanks". */
const SCORED_ABUSE = " , fuck you to hell , ";

type Vader = typeof import("vader-sentiment");
let vader: Vader | undefined;

/**
 * Scores an English text from -1 (hostile) to 1 (friendly), 0 when it is neutral: VADER's compound score (Hutto and Gilbert
 * 2014) of the first 2,000 characters, with words of regret and misfortune removed and unknown abuse replaced with known
 * one. It cannot tell at whom words are aimed, so a threshold needs a margin: at -0.6 polite refusals pass.
 */
export function scoreSentiment(text: string): number {
  // Loaded on first use: its 7,500 words take 8 to 15 ms.
  vader ??= require("vader-sentiment") as Vader;
  const normalized = text
    .slice(0, MAX_SCORED_CHARS)
    .replace(/[’‘`´]/g, "'")
    .replace(HOSTILE, SCORED_ABUSE);
  return vader.SentimentIntensityAnalyzer.polarity_scores(normalized.replace(NOT_HOSTILE, "thing")).compound;
}

/** Builds a pattern for any item of a list, as whole words. */
function wholeWords(list: string): RegExp {
  return new RegExp(String.raw`(?<!\p{L})${alternation(list)}(?!\p{L})`, "giu");
}
