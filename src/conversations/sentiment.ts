/** Anger shows early, and VADER's time grows faster than its text. Characters. */
const READ = 2_000;

/**
 * Words that VADER counts against a text and that say nothing against its reader: the refusal itself, regret, and the misfortunes
 * and troubles that people tell of themselves. Scored, "My father died last week" would get the mourner banned.
 */
const NOT_AGAINST_US =
  /\b(?:no|sorry|unfortunately|regret|regretfully|apologi[sz]e|apologies|afraid|sad|sadly|lack|lacking|avoid|miss|missed|pay|low|cut|limited|busy|unable|refuse|decline|stop|died|dying|(?<!drop )dead|death|sick|ill|illness|hospital|pain|painful|cancer|grief|grieving|mourning|funeral|loss|losses|lost|suicide|abuse|abused|violence|emergency|accident|accidents|crisis|bankrupt|bankruptcy|broke|war|murder|injury|injuries|injured|debts?|problems?|troubles?|struggl(?:e|ing)|fail(?:s|ed|ing|ure)?|victims?|damages?|crime|criminal (?=defense|law)|lawsuits?|divorce|poor|unhappy|stressed|depressed|tragedy|tragic|worried|tired)\b/gi;

/** What VADER's lexicon of English tweets does not know or takes too lightly, and no reader would. Each is read as `ABUSE`. */
const AGAINST_US = [
  /\b(?:f+u+c+k+|f[*@#u]+c?k|screw|piss|sod|bugger|eff|fck|fuk) +(?:right +)?(?:off|you|u|ya|yourselves|yourself|this|ur)\b|\bgo f\S{1,6} yourself\b|\bg(?:o )?to hell\b|\b(?:gtfo|stfu|gfy|kys)\b/gi,
  /\b(?:drop dead|eat shit|rot in hell|kill yourself|shove it|kiss my ass|suck my \S+|hope you (?:die|rot|choke)|shut (?:the \S{1,10} )?up)\b|[🖕🤬]/giu,
  /\b(?:kill|hurt|hunt|find) (?:you|u)\b(?= *(?:$|[.!]|and|if))/gi,
  /\b(?:scammers?|spammers?|con artists?|crooks?|scumbags?|assholes?|arseholes?|a-?holes?|douche(?:bag)?s?|scum)\b/gi,
  /\b(?:i|we)(?:'ll| will|'m going to| am going to|'m gonna)(?: \w+)? (?:sue|report (?:you|this|your)|press charges|take you to court)\b|\bsee you in court\b|\bhear from (?:my|our) (?:lawyer|attorney|solicitor)s?\b/gi,
  /\breport(?:ing|ed) (?:you|this|your \w+)\b(?= (?:to|as))/gi,
  /\b(?:va te faire (?:foutre|enculer)|ta gueule|connards?|enculés?|vete a la mierda|chinga tu madre|hij[oa]s? de puta|que te jodan|verpiss dich|fick dich|leck mich|arschl[oö]ch(?:er)?|vai se foder|vaffanculo|rot op)(?!\p{L})/giu,
];
/** About -0.8 when it stands alone, so that one of them outweighs a "thanks". */
const ABUSE = " , fuck you to hell , ";

type Vader = typeof import("vader-sentiment");
let vader: Vader | undefined;

/**
 * How kindly an English text is meant, -1 (hostile) … 1 (friendly), 0 where nothing tells: VADER's compound score (Hutto and Gilbert 2014)
 * of the first 2,000 characters, after words of regret and misfortune are taken out and abuse that VADER does not know is put in its words.
 * It weighs words and does not know whom they are meant for, so a threshold should leave room: at -0.6 polite refusals pass.
 */
export function scoreSentiment(text: string): number {
  // Loaded at the first use: its 7,500 words take about as long as all the rest of starting this module's room.
  vader ??= require("vader-sentiment") as Vader;
  let read = text.slice(0, READ).replace(/[’‘`´]/g, "'");
  for (const abuse of AGAINST_US) read = read.replace(abuse, ABUSE);
  return vader.SentimentIntensityAnalyzer.polarity_scores(read.replace(NOT_AGAINST_US, "thing")).compound;
}
