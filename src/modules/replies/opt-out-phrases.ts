import { compilePhrase, splitItems, type Vocabulary } from "./phrase.ts";

/**
 * Bodies that opt out as a whole, without accents. Twilio's defaults (STOP, STOPALL, UNSUBSCRIBE, CANCEL, END, QUIT, REVOKE, OPTOUT)
 * include the FCC's seven (47 CFR 64.1200(a)(10)); a "reasonable person" of the same paragraph understands the others alike.
 */
export const OPT_OUT_KEYWORDS: ReadonlySet<string> = new Set(
  splitItems(`
  stop, stopall, stop all, stopp, sotp, stpo, stop it, stop this, unsubscribe, cancel, end, quit, revoke, optout, remove, removal, delete,
  dnc, no more, enough, block, blocked, block me, remove me, delete me, take me off, opt me out, leave me alone, go away,
  do not contact, do not call, do not text, do not disturb, dont contact, dont call, dont text,
  alto, baja, cancela, cancele, cancelar, parar, pare, paren, basta, basta ya, no mas, eliminar, eliminarme, borrarme, salir,
  dar de baja, darme de baja, desuscribir, desuscribirme,
  arret, arreter, arretez, arrete, stop sms, desabonner, desabonnement, me desabonner, desinscrire, desinscription, resilier, annuler,
  abmelden, abmeldung, abbestellen, austragen, kundigen, widerruf, aufhoren, loschen, keine werbung,
  sair, descadastrar, descadastre me, remover, me remova, cancelar inscricao,
  fermati, cancellami, disiscrivimi, annulla, afmelden, uitschrijven`),
);

/** Words around a keyword that do not change its meaning: "please stop, thanks", "bitte abmelden". */
export const COURTESIES: ReadonlySet<string> = new Set(
  splitItems(`
  please, pls, plz, plse, kindly, thanks, thank, you, thx, ty, tks, hi, hello, hey, ok, okay, now, already, immediately, asap, just, sir,
  madam, guys, team, dear, por, favor, porfa, porfavor, gracias, hola, ya, svp, stp, sil, vous, te, plait, merci, bonjour,
  bitte, danke, hallo, sofort, obrigado, obrigada, ola, grazie, ciao, aub, bedankt`),
);

const ENGLISH_WORDS: Vocabulary = {
  stop: "stop|stopp|quit|cease|discontinue|knock off",
  please: "please|pls|plz|kindly",
  /** Makes "stop sending" a demand instead of a report: the start of a clause, or words addressed to us. */
  demand: `^|{please} [,]|(can|could|would|will|wont|cant|dont) you|you (to|wont|need to|have to|must|should|better)|(if|why|when) you (dont|do not|wont)
    |now|again|just`,
  filler: "and|so|just|please|pls|plz|kindly|you|no|ok|well|hey|dude|then|now|simply",
  at_once: "now|immediately|already|asap|please|pls|thanks|thank you|thx|ok|at once",
  writing: `e?mailing|texting|calling|contacting|messaging|msging|writing|phoning|ringing|spamming|bothering|bugging|harassing|pestering
    |annoying|disturbing|hounding|stalking|soliciting|sending|leaving|asking|txting|txt|reaching out|following up|blowing up`,
  write:
    "e?mail|text|txt|call|contact|message|msg|write [to]|phone|ring|bother|bug|spam|disturb|solicit|harass|reach out [to]",
  written: "contacted|e?mailed|texted|called|messaged|bothered|spammed|solicited|disturbed",
  own: "phone|cell|mobile|number|e?mail|inbox|home|house|office|work|business|line|address|account",
  me: "me|us|my _ {own}|this _ (number|address|phone|e?mail|inbox|line|account)|here|(anyone|anybody|everyone) (here|at)|our (office|company|team|staff)",
  details: `name|number|e?mails?|address|info|information|details|contacts?|phone|cell|data|records?|account|subscription|profile|domain
    |company`,
  mail: `e?mails?|texts?|text messages?|messages?|msgs?|sms|calls?|phone calls?|voicemails?|spam|newsletters?|communications?|correspondence
    |contact|solicitations?|junk|crap|shit|bullshit|garbage|nonsense|follow ?ups|outreach|marketing|ads`,
  these:
    "these|those|this|your|ur|such|any|all|the|so many|further|more|unsolicited|unwanted|other|damn|fucking|stupid|annoying",
  list: "lists?|database|db|system|mailings?|mailing list|sequence|campaign|cadence|distribution|newsletter|rotation|contacts|crm",
  no: "do not|dont|never|no longer|not [to]",
  signal: "^|i|im|ill|ive|am|will|have|already|just|and",
  /** "We don't send e-mails yet" is about the writer; "I ask that you do not write again" is not. */
  others: "<-(i|we|they|he|she|it|who|people|<-(that|prefer|ask|request|demand|rather|if) you)",
  /** "Don't call me before nine" asks for another time and "don't call, text me instead" for another channel: neither opts out. */
  ever: `-(before|after|until|till|unless|today|tomorrow|tonight|yet|now|while|during|between|next|this (week|morning|afternoon|evening|month)
    |so (early|late)|(at|on) -(this|my|any|all)|in the|by|if|when|because|late|early|names|an?|the|your|(mon|tues|wednes|thurs|fri|satur|sun)day)
    -(~ instead|~ , [just|please|but|you|can]* (e?mail|text|call|write|message) (me|is|only|/))`,
  /** "Text me, don't call" asks for another channel too. */
  unprompted: "<-((text|call|e?mail|write) (me|us) , [please|pls]|prefer _ , [please|pls])",
};

const ENGLISH = [
  "{stop} _ {writing} ... {me}",
  "{demand} [{filler}]* {stop} _ {writing} (//|+(,|{these}|{mail}|it|them|{at_once}|anything|every*|again|anymore))",
  "{demand} [{filler}]* {stop} [with|w] [{these}]* _ {mail}",
  "<-(to|ll|will|would|we|i|they|he|she|it|you|youd|people|customers|did|dont) {stop} {writing} //",
  "^ stop [{please}] (u|you|i|im|ive|this is|thats|my|we|dont|not|bro|man|dude|lady|sir|mate|wrong|who|sorry)",
  "{demand} [{filler}]* (stop|discontinue) [{at_once}]* /",
  "{demand} [{filler}]* stop (it|this|that|all this|everything) [{at_once}]* //",
  "(i|we) [already] (said|say|texted|replied|wrote|typed|told you|told yall) _ stop",
  "make (it|this|these|them) stop",
  "stop (and|or) (unsubscribe|remove|delete|optout)",
  "{stop} (receiving|getting) ({these}|{mail}|anything)",
  "(not interested|wrong number|wrong person|not for sale|not selling|no thanks?|no thank you|^ no|^ nope) [please|pls|plz|so|and|just]* (stop|unsubscribe|remove|optout) /",
  "(remove|delete|erase|unlist|unenroll|deregister|scrub|purge) (me|us|(my|our) _ {details}|this (number|address|phone|contact|account|e?mail address)|fro?m [your|the|this|all|any|mailing|email]* {list})",
  "(remove|delete|erase) [all] [of] [(my|our|the|any) _] {details} (you (hold|have|store|keep)|(about|on|of) (me|us))",
  "(remove|unlist) this e?mail",
  "if you (removed|unsubscribed|deleted|took) (me|us|my)",
  "^ remove //",
  "(remove|delete|erase) all [of] (my|our) _ {details}",
  "(remove|delete|unsubscribe) ... [,] ... [,] ... from (your|ur|this) _ (lists?|database|mailings?)",
  "(make sure|ensure) [that] (i|we) ({no} (receive|get|hear)|(am|are) (removed|unsubscribed|taken off|deleted))",
  "(request|requesting|demand|ask for) _ removal",
  "{please} (remove|delete|unlist) /",
  "(take|get|drop|strike|cross|keep|scratch|pull|want|be|come|me|us|{details}) ... off [of] (your|ur|this|that|the|all|any|these|every) ... {list}",
  "take (me|us|(my|this) _ {details}) off [{at_once}]* /",
  "(take|drop|pull|cut|leave) (me|us|my {details}) (out of|out from|from) (your|ur|this|that|the) ... {list}",
  "(^|please|and|just|so|now) (lose|forget) (my|this) _ {details}",
  "get rid of (my|this) _ {details}",
  "{others} {no} [ever|even|please|you|dare|bother to]* {write} ({me}|again|any ?more) {ever}",
  "(^|please|pls) {unprompted} (do not|dont|never) (contact|call|text|e?mail|message|disturb|solicit|write|follow ?up) / {ever}",
  "{others} {no} [ever|please|you]* send [me|us|this number] (any ?more -(info|details|samples|documents)|anything|[{these}]* _ {mail}|these|this stuff) {ever}",
  "<-(you) {no} _ (want|wish|care|like) [for] [you|anyone] to (be {written}|be on (your|this|the|any)|{write} {me}) {ever}",
  "<-(you) {no} _ (want|wish|care|need|interested) [to|in] (receiv*|get|getting|hear|hearing|see|seeing|being) ... (from (you|ur|your|them|this)|again|any ?more|these|{mail}|{written})",
  "<-(you) {no} _ (want|need|appreciate|interested in) {these} [{these}]* _ {mail} -(yet|until|today)",
  "(refrain|desist) from _ {writing}",
  "(^|please|thanks?|thank you) [and] no more [of] [{these}]* _ ({mail}|please|thanks)",
  "no further _ {mail}",
  "enough [with|of] {these} [{these}] _ {mail}",
  "leave (me|us|my family) [the hell|the fuck|tf] (alone|be)",
  "^ [please|just|now]* (go away|get lost|buzz off) /",
  "{demand} [{filler}]* (unsubscribe|optout) -(links?|buttons?|pages?|rates?|headers?|features?|options?|process|here|at|via|by|is|are|was|works?|leads|customers|contacts)",
  "(unsubscribe|optout) (me|us|(my|our|this) _ {own})",
  "opt (me|us|this number) out",
  `(^|i|we|id|im) [-(dont|not|never|didnt|wouldnt|no|you|if|they|people|customers) _]* (want|wish|like|need|trying|tried|prefer|have|asked|ask|demand|request) [you] to
    (unsubscribe|optout|be (unsubscribed|removed|taken off|deleted|left alone)) -(of ... (plan|contract|trial|renewal|upgrade))`,
  "how (do|can) i ((unsubscribe|optout) -(my|our|leads|people|customers|contacts)|get off|stop (these|this|getting|receiving)|be removed|get (removed|unsubscribed))",
  "(^|i|ive|have) [already|just] unsubscribed",
  "(^|i|im|am|ive) opt(ed|ing) out",
  "why am i still (getting|receiving)",
  "(revok*|withdraw*|rescind*) (my|all|any|our) _ (consent|permission)",
  "({no} use my _ {own}|(do not|dont) (consent|have [my] (permission|consent) to)|cease and desist|cease [all] {mail}|object to ... (processing|marketing|being contacted))",
  "cancel (my|this|our|the|all) _ (subscription|messages|texts|e?mails|alerts|notifications)",
  "{signal} (block|blocking|blocked) (you|this (number|sender|e?mail))",
  "{signal} (report|reporting|reported|mark|marking|marked|flag|flagging|flagged) ... (as|for) (spam|junk|phishing)",
  "(put|add|place) (me|us|this number|my {details}) (on|to|in|onto) ... (do not|dnc|suppression|blacklist|no call|no contact|optout)",
  "(i|im|we|were|number|phone) ... (on|in) the _ (do not call|dnc)",
];

const SPANISH = [
  "no mas (mensajes|correos|e?mails?|textos|sms|llamadas|spam|publicidad|por favor)",
  "no (me|nos) (escriba[ns]?|contacte[ns]?|llame[ns]?|mande[ns]?|envie[ns]?|moleste[ns]?|textee[ns]?|busque[ns]?) -(antes|hasta|manana|hoy)",
  "(deje|dejen|deja|dejad|paren|pare|para) de (escribir*|enviar*|mandar*|llamar*|contactar*|molestar*|textear*)",
  "(quiten?|quita|eliminen?|elimina|borren?|borra|saquen?|saca|remuevan?|remueve|desuscriban?|desuscribe) (mi|este|nuestro) (numero|correo|nombre|e?mail|telefono)",
  "(quiten?|quita|eliminen?|elimina|borren?|borra|saquen?|saca|remuevan?|remueve|desuscriban?|desuscribe)(me|nos)",
  "(sacarme de (la|su|tu|esta)|desuscribirme)",
  "(dame|deme|denme|darme|darnos|doy|denos|quiero|solicito|pido) [la|mi|de]* baja",
  "dej(e|a|en)(me|nos) (en paz|tranquil[oa])",
  "no (quiero|deseo|queremos|deseamos) (recibir|mas (mensajes|correos|llamadas)|que me (llam*|escrib*|contact*|envi*|mand*))",
  "(cancelar|cancele|cancelen|anular|anule) (mi|la|esta) suscripcion",
];

const FRENCH_WORDS: Vocabulary = {
  m_ecrire:
    "m?envoyer|denvoyer|m?ecrire|m?appeler|contacter|recontacter|harceler|deranger|spammer|importuner|solliciter",
  mes: "mon|mes|notre|nos",
};
const FRENCH = [
  "(arretez|arrete|arreter|cessez|cesse|stoppez|stop) _ [de] [me|nous] {m_ecrire}",
  "(arretez|arrete|arreter|cessez|stop) (les|vos|ces) (messages|sms|mails|e?mails|appels)",
  "ne [me|nous] m?(contactez|contacte|ecrivez|envoyez|appelez|derangez|recontactez|sollicitez|harcelez) (plus|pas|jamais) -(avant|demain|encore)",
  "ne (plus|pas|jamais) [me|nous] {m_ecrire} -(avant|demain|encore)",
  "ne plus (recevoir|etre contacte*)",
  "(desabonn*|desinscri*|retirez|supprimez|enlevez|rayez|radiez|effacez) (moi|nous)",
  "(retirez|supprimez|enlevez|effacez|supprimer|retirer|effacer|enlever) {mes} (numero|adresse|e?mail|nom|donnees|coordonnees)",
  "me (desabonner|desinscrire|retirer|supprimer)",
  "^ [merci] plus (de|jamais de) (e?mails?|sms|messages?|courriels?|appels?)",
  "(laisse[zr]? (moi|nous) tranquilles?|(fichez|foutez|lachez) (moi|nous) la paix)",
  "ne (souhaite|souhaitons|veux|voulons|desire) plus (recevoir|etre)",
];

const GERMAN_WORDS: Vocabulary = {
  post: "e?mails?|nachrichten|sms|anrufe|werbung|newsletter|kontaktaufnahme",
  verteiler: "verteiler|liste|mailingliste|newsletter|datenbank|system",
  weg: "loschen|entfernen|streichen|nehmen|abmelden|austragen",
  /** A word, but not one that negates the request: "nehmen Sie mich nicht vom Verteiler". */
  wort: "-(nicht|nie) _",
};
const GERMAN = [
  "(^|bitte) keine? [weiteren?|mehr]* {post}",
  "keine weiteren? {post}",
  "(schreib*|schick*|send*|ruf*|kontaktier*|belastig*|nerv*) [sie] [bitte] (mich|mir|uns) [bitte] _ (nicht (mehr|wieder|an)|nie|keine|nichts) -(vor|morgen|heute)",
  "(nehmen?|nimm|nehmt|tragen?|trag|melden?|meld) [sie] [bitte] (mich|uns|meine \\w+) [{wort}]* ({verteiler}|raus|aus|ab)",
  "(loschen?|entfernen?|streichen?) [sie] [bitte] (mich|uns|meine \\w+|diese (nummer|adresse)) -(nicht)",
  "(aus|von|vom) [der|dem|ihrer|ihrem|eurer|eurem] _ {verteiler} {weg}",
  "(mich|uns) _ (abmelden|austragen|abbestellen)",
  "^ newsletter abbestellen //",
  "(^|bitte|mich|uns) nicht mehr (schreiben|anrufen|kontaktieren|melden|mailen|anschreiben)",
  "(lasst?|lassen) [sie] (mich|uns) [bitte] in ruhe",
  "(hort?|horen) [sie] [bitte] auf (mir|mich|uns|damit|zu)",
  "(mochten?|will|wollen|wunschen?) ... (keine|nichts|nicht) [{wort}]* (erhalten|bekommen|kontaktiert|angerufen|angeschrieben|horen)",
  "widersprech?e [{wort}]* (nutzung|verarbeitung|werbung|kontaktaufnahme|zusendung|verwendung)",
];

const PORTUGUESE = [
  "(pare|parem|para|parar) de [me|nos] (enviar|mandar|escrever|ligar|contatar|contactar|perturbar|incomodar)",
  "nao (me|nos) (enviem?|mandem?|liguem?|escrevam?|contatem?|contactem?|perturbem?|incomodem?|procurem?) -(antes|ate|amanha|hoje)",
  "me (remov*|retir*|exclu*|descadastr*|tir* (da|do|de|dessa|desta|desse))",
  "(remov[ae]m?|retir[ae]m?|tir[ae]m?|exclu[ai]m?|descadastr[ae]m?) me",
  "(remov[ae]m?|retir[ae]m?|tir[ae]m?|exclu[ai]m?|apagu?[ae]m?|remover|retirar|excluir|apagar) [o|a] (meu|minha) (numero|e?mail|nome|contato|cadastro|conta)",
  "nao (quero|desejo|queremos) [mais] (receber|mensagens|e?mails|ser contat*)",
  "(chega de (mensagens|e?mails|spam|sms)|(me deixem?|deixem? me) em paz|cancelar? [a] minha (inscricao|assinatura))",
];

const ITALIAN_AND_DUTCH = [
  "non (mi|ci) (contatt*|scriv*|chiam*|mand*|invi*|disturb*) (piu|mai)",
  "non (voglio|desidero) [piu] ricevere",
  "(cancella|rimuove|rimuovi|toglie|togli|disiscrive|disiscrivi)(te)?(mi|ci)",
  "(lasciatemi in pace|lasciami in pace|smett* di (scriver*|chiamar*|mandar*|inviar*|contattar*))",
  "(schrijf|haal|verwijder) (mij|me|ons|mijn \\w+) _ uit",
  "(stop met (mailen|bellen|sturen|smsen|appen)|laat (mij|me|ons) met rust|geen (e?mails?|berichten|sms|reclame) meer)",
];

/**
 * Negations right before a phrase: "don't remove me", "I'd never ask you to stop texting me", "no quiero darme de baja".
 * A negation about us does not count: "if you don't stop texting me", "you never stop calling me".
 */
const DENIALS = [
  `<-(you) (dont|do not|didnt|did not|never|cant|cannot|can not|couldnt|wont|will not|wouldnt|would not|shouldnt|should not|not|no need|without
    |rather than|instead of) -(you) [to|want|wanted|wish|need|ask|asking|asked|told|tell|saying|said|say|like|have|plan|planning|intend|going
    |trying|mean|ever|really|actually|even|just|you|them|anyone|him|her]* //`,
  "why (did|would) you //",
  "(does|did|do|can) (it|this|that|the|your) _ _ _ //",
  "(nao|non|ne|nunca|jamais|pas) [me|mi|nos|te|se|vous|quero|queremos|veux|voulons|souhaite|voglio|de]* //",
  "no (me|nos|te|se|quiero|queremos|deseo|hace falta|es necesario) [me|nos|te|se]* //",
];

/** Phrases that opt out, and denials that negate a phrase when they end right before it. Global and multi-line patterns. */
interface OptOutPatterns {
  phrases: readonly RegExp[];
  denials: readonly RegExp[];
}

let compiled: OptOutPatterns | undefined;

/** Compiles the tables at the first message instead of at start: a hundred patterns take tens of milliseconds. */
export function getOptOutPatterns(): OptOutPatterns {
  compiled ??= {
    phrases: [
      ...ENGLISH.map((notation) => compilePhrase(notation, ENGLISH_WORDS)),
      ...FRENCH.map((notation) => compilePhrase(notation, FRENCH_WORDS)),
      ...GERMAN.map((notation) => compilePhrase(notation, GERMAN_WORDS)),
      ...[...SPANISH, ...PORTUGUESE, ...ITALIAN_AND_DUTCH].map((notation) => compilePhrase(notation)),
    ],
    denials: DENIALS.map((notation) => compilePhrase(notation)),
  };
  return compiled;
}
