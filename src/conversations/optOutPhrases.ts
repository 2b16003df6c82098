/**
 * What people write when they want no more messages, as tables. Everything here meets text that `plainWords` made plain: lower case,
 * no diacritics or apostrophes ("dont"), words with one space between them, " , " where a clause ends, one line a sentence.
 */

/**
 * Whole bodies that opt out at once. Twilio's defaults for long codes (STOP, STOPALL, UNSUBSCRIBE, CANCEL, END, QUIT, REVOKE, OPTOUT) hold
 * the FCC's seven (47 CFR 64.1200(a)(10)); the rest are their like in languages that senders meet, as the FCC's "reasonable person" reads them.
 */
export const KEYWORDS: ReadonlySet<string> = new Set(
  `stop|stopall|stop all|stopp|sotp|stpo|unsubscribe|cancel|end|quit|revoke|optout|remove|delete|dnc|no more|enough|block|blocked|block me|stop it|stop this
  |removal|remove me|delete me|take me off|opt me out|leave me alone|go away|do not contact|do not call|do not text|do not disturb|dont contact|dont call|dont text
  |alto|baja|cancela|cancele|dar de baja|darme de baja|parar|pare|paren|basta|basta ya|cancelar|no mas|eliminar|eliminarme|borrarme|desuscribir|desuscribirme|salir
  |arret|arreter|arretez|arrete|stop sms|desabonner|desabonnement|desabonnez moi|me desabonner|desinscrire|desinscription|resilier|annuler
  |abmelden|abmeldung|abbestellen|austragen|kundigen|widerruf|aufhoren|loschen|keine werbung
  |sair|descadastrar|descadastre me|remover|me remova|cancelar inscricao|fermati|cancellami|disiscrivimi|annulla|afmelden|uitschrijven`
    .split("|")
    .map((keyword) => keyword.trim()),
);

/** Around a keyword these change nothing: "please stop, thanks", "bitte abmelden". */
export const COURTESIES: ReadonlySet<string> = new Set(
  `please pls plz plse thanks thank you thx ty tks kindly hi hello hey ok okay now immediately asap already just sir madam guys team dear
  por favor porfa porfavor gracias hola ya svp stp sil vous te plait merci bonjour bitte danke hallo sofort obrigado obrigada ola grazie ciao aub bedankt`.split(
    /\s+/,
  ),
);

const END = "(?= ,|$)";
const ASK =
  "(?:^|, |\\b(?:please|pls|plz|kindly|can you|could you|would you|will you|you to|you (?:need|have|must|should|better)(?: to)?|(?:if|why|when) you (?:dont|do not|wont)|dont you|cant you|wont you|you wont|now|again|just)(?: ,)? )(?:(?:and|so|just|please|pls|plz|kindly|you|no|ok|well|hey|dude|then|now|simply) ){0,4}";
const STOP = "(?:stop|stopp|quit|cease|discontinue|knock off)";
const WRITING =
  "(?:e?mailing|texting|calling|contacting|messaging|msging|writing|phoning|ringing|spamming|bothering|bugging|harassing|pestering|annoying|disturbing|hounding|stalking|soliciting|sending|leaving|reaching out|following up|blowing up)";
const WRITE =
  "(?:e?mail|text|call|contact|message|msg|write(?: to)?|phone|ring|bother|bug|spam|disturb|solicit|harass|reach out(?: to)?)";
const WRITTEN = "(?:contacted|e?mailed|texted|called|messaged|bothered|spammed|solicited|disturbed)";
const OWN = "(?:phone|cell|mobile|number|e?mail|inbox|home|house|office|work|business|line|address)";
const ME = `(?:me|us|my (?:\\w+ )?${OWN}|this (?:\\w+ )?(?:number|address|phone|e?mail|inbox|line|account)|here)`;
const DETAILS =
  "(?:name|number|e?mails?|address|info|information|details|contacts?|phone|cell|data|records?|account|subscription|profile|domain|company)";
const MAIL =
  "(?:e?mails?|texts?|text messages?|messages?|msgs?|sms|calls?|phone calls?|voicemails?|spam|newsletters?|communications?|correspondence|contact|solicitations?|junk|crap|shit|bullshit|garbage|nonsense|follow ?ups|outreach|marketing|ads)";
const THESE =
  "(?:these|those|this|your|ur|such|any|all|the|so many|further|more|unsolicited|unwanted|other|damn|fucking|stupid|annoying)";
const LIST =
  "(?:lists?|database|db|system|mailings?|mailing list|sequence|campaign|cadence|distribution|newsletter|rotation|contacts|crm)";
/** "Don't call me before nine" asks for another hour and "don't call, text me instead" for another channel: neither for silence. */
const ANOTHER_TIME =
  "(?! (?:before|after|until|till|unless|today|tomorrow|tonight|yet|now|while|during|between|next|this (?:week|morning|afternoon|evening|month)|so (?:early|late)|(?:at|on) (?!this|my|any|all)|in the|by|if|when|because|late|early|names|an?|the|your|\\w+day)\\b)(?!.{0,40}(?:\\binstead\\b|, (?:\\w+ ){0,2}(?:e?mail|text|call|write|message)(?: (?:me|is|only)\\b|$)))";
/** "We don't send e-mails yet" tells of oneself; "I ask that you do not write again" does not. */
const NOT_ABOUT_SELF =
  "(?<!\\b(?:i|we|they|he|she|it|who|people|(?<!\\b(?:that|prefer|ask|request|demand|rather|if) )you) )";
const NO = "(?:do not|dont|never|no longer|not|not to)";

const ENGLISH = [
  `${STOP} (?:\\w+ )?${WRITING} (?:\\w+ ){0,3}?${ME}`,
  `${ASK}${STOP} (?:\\w+ )?${WRITING}(?=$| ,| (?:${THESE}|${MAIL}|it|them|now|please|immediately|at once|anything|every\\w*|already|again|anymore)\\b)`,
  `${ASK}${STOP} (?:with |w )?(?:${THESE} ){0,3}(?:\\w+ )?${MAIL}`,
  `(?<!\\b(?:to|ll|will|would|we|i|they|he|she|it|you|youd|people|customers|did|dont) )${STOP} ${WRITING}$`,
  "^stop (?:(?:please|pls|plz) )?(?:u|you|i|im|ive|this is|thats|my|we|dont|not|bro|man|dude|lady|sir|mate|wrong|who|sorry)\\b",
  "\\b(?:i|we) (?:already )?(?:said|say|texted|replied|wrote|typed|told you|told yall) (?:\\w+ )?stop\\b|make (?:it|this|these|them) stop|\\bstop (?:and|or) (?:unsubscribe|remove|delete|optout)",
  `${STOP} (?:receiving|getting) (?:${THESE}|${MAIL}|anything)`,
  `${ASK}(?:stop|discontinue)(?: (?:now|immediately|already|asap|thanks|thank you|thx|ok|at once|please|pls)){0,4}${END}`,
  `${ASK}stop (?:it|this|that|all this|everything)(?: (?:now|immediately|already|asap|please|thanks|thank you)){0,4}$`,
  `(?:remove|delete|erase|unlist|unenroll|deregister|scrub|purge) (?:me|us|(?:my|our) (?:\\w+ )?${DETAILS}|this (?:\\w+ )?${DETAILS}|fro?m (?:(?:your|the|this|all|any|mailing|email) ){0,4}${LIST})\\b`,
  `(?:remove|delete|erase) (?:all )?(?:of )?(?:(?:my|our|the|any) (?:\\w+ )?)?${DETAILS} (?:you (?:hold|have|store|keep)|(?:about|on|of) (?:me|us))\\b|(?:remove|delete|erase) all (?:of )?(?:my|our) (?:\\w+ )?${DETAILS}\\b`,
  "(?:remove|delete|unsubscribe) (?:[\\w,]+ ){0,10}?from (?:your|ur|this) (?:\\w+ ){0,2}?(?:lists?|database|records|mailings?)\\b",
  `(?:make sure|ensure)(?: that)? (?:i|we) (?:${NO} (?:receive|get|hear)|(?:am|are) (?:removed|unsubscribed|taken off|deleted))|(?:request|requesting|demand|ask for) (?:\\w+ )?removal|get rid of (?:my|this) (?:\\w+ )?${DETAILS}|(?:refrain|desist) from (?:\\w+ )?${WRITING}|no further (?:\\w+ )?${MAIL}|enough (?:with |of )?(?:${THESE} ){1,2}(?:\\w+ )?${MAIL}`,
  `(?:please|pls|plz|kindly) (?:remove|delete|unlist)${END}`,
  `(?:take|get|drop|strike|cross|keep|scratch|pull|want|be|come|me|us|${DETAILS}) (?:\\w+ ){0,2}off (?:of )?(?:your|ur|this|that|the|all|any|these|every) (?:\\w+ ){0,3}?${LIST}`,
  `take (?:me|us|(?:my|this) (?:\\w+ )?${DETAILS}) off(?: please| pls| now| asap| immediately){0,4}${END}`,
  `(?:take|drop|pull|cut|leave) (?:me|us|my ${DETAILS}) (?:out of|out from|from) (?:your|ur|this|that|the) (?:\\w+ ){0,3}?${LIST}`,
  `(?:^|, |\\b(?:please|and|just|so|now) )(?:lose|forget) (?:my|this) (?:\\w+ )?${DETAILS}`,
  `${NOT_ABOUT_SELF}${NO} (?:(?:ever|even|please|you|dare|bother to) ){0,4}${WRITE} (?:${ME}|again|any ?more)\\b${ANOTHER_TIME}`,
  `(?:^|, |please |pls )(?<!\\b(?:(?:text|call|e?mail|write) (?:me|us)|prefer \\w+) , (?:please |pls )?)(?:do not|dont|never) (?:contact|call|text|e?mail|message|disturb|solicit|write|follow ?up)${END}${ANOTHER_TIME}`,
  `${NOT_ABOUT_SELF}${NO} (?:(?:ever|please|you) ){0,4}send (?:(?:me|us|this number) )?(?:any ?more(?! (?:info|details|samples|documents))|anything|(?:${THESE} )+(?:\\w+ )?${MAIL}|${MAIL}|these|this stuff)\\b${ANOTHER_TIME}`,
  `(?<!\\byou )${NO} (?:\\w+ )?(?:want|wish|care|like)(?: for)?(?: you| anyone)? to (?:be ${WRITTEN}|be on (?:your|this|the|any)|${WRITE} ${ME})\\b${ANOTHER_TIME}`,
  `(?<!\\byou )${NO} (?:\\w+ )?(?:want|wish|care|need|interested)(?: to| in)? (?:receiv\\w+|get|getting|hear|hearing|see|seeing|being) (?:\\w+ ){0,4}?(?:from (?:you|ur|your|them|this)|again|any ?more|these|${MAIL}|${WRITTEN})\\b`,
  `(?<!\\byou )${NO} (?:\\w+ )?(?:want|need|appreciate|interested in) (?:${THESE} )+(?:\\w+ )?${MAIL}\\b(?! (?:yet|until|today))`,
  "leave (?:me|us|my family) (?:the (?:hell|fuck) |tf )?(?:alone|be)\\b",
  `(?:^|, )(?:(?:please|just|now) ){0,4}(?:go away|get lost|buzz off)${END}`,
  `(?:^|, |please |thanks? |thank you )(?:and )?no more (?:of )?(?:${THESE} ){0,4}(?:\\w+ )?(?:${MAIL}|please|thanks)\\b`,
  `${ASK}(?:unsubscribe|optout)(?! (?:links?|buttons?|pages?|rates?|headers?|features?|options?|process|here|at|via|by|is|are|was|works?|leads|customers|contacts)\\b)`,
  `(?:unsubscribe|optout) (?:me|us|(?:my|our|this) (?:\\w+ )?(?:${OWN}|account))\\b`,
  "opt (?:me|us|this number) out",
  "(?:^|\\b(?:i|we|id|im) )(?:(?!(?:dont|not|never|didnt|wouldnt|no) )\\w+ ){0,3}?(?:want|wish|like|need|trying|tried|prefer|have|asked|ask|demand|request)(?: you)? to (?:unsubscribe|optout|be (?:unsubscribed|removed|taken off|deleted|left alone|opted out))(?! of (?:\\w+ ){0,3}(?:plan|contract|trial|renewal|upgrade)\\b)",
  "how (?:do|can) i (?:(?:unsubscribe|optout)(?! (?:my|our|leads|people|customers|contacts)\\b)|get off|stop (?:these|this|getting|receiving)|be removed|get (?:removed|unsubscribed))|^how to (?:unsubscribe|optout)",
  "(?:^|\\b(?:i|ive|have|already) )(?:already |just )?unsubscribed|(?:^|\\b(?:i|im|am|ive) )(?:am |have )?opt(?:ed|ing) out",
  "why am i still (?:getting|receiving)",
  `(?:revok\\w+|withdraw\\w*|rescind\\w*) (?:my|all|any|our) (?:\\w+ )?(?:consent|permission)|do not consent|object to (?:\\w+ ){0,4}?(?:processing|marketing|being contacted)`,
  `cease and desist|cease (?:all )?(?:contact|communications?|marketing)|cancel (?:my|this|our|the|all) (?:\\w+ )?(?:subscription|messages|texts|e?mails|alerts|notifications)`,
  `(?:^|, |\\b(?:i|im|ill|ive|am|will|have|already|just|and) )(?:blocking|block|blocked) (?:you|this (?:number|sender|e?mail))\\b`,
  `(?:^|, |\\b(?:i|im|ill|ive|am|will|have|already|just|and) )(?:report|reporting|reported|mark|marking|marked|flag|flagging|flagged) (?:\\w+ ){0,4}?(?:as|for) (?:spam|junk|phishing)`,
  `(?:not interested|wrong number|wrong person|no thanks?|no thank you|^no|^nope)(?: (?:please|pls|plz|so|and|just)){0,4} (?:stop|unsubscribe|remove|optout)${END}`,
  `(?:put|add|place) (?:me|us|this number|my ${DETAILS}) (?:on|to|in|onto) (?:\\w+ ){0,2}?(?:do not|dnc|suppression|blacklist|no call|no contact|optout)|\\b(?:i|im|we|were|number|phone) (?:\\w+ ){0,3}?(?:on|in) the (?:\\w+ )?(?:do not call|dnc)\\b`,
];

const SPANISH = [
  "no mas (?:mensajes|correos|e?mails?|textos|sms|llamadas|spam|publicidad|por favor)",
  "no (?:me|nos) (?:escriba|contacte|llame|mande|envie|moleste|textee|busque)[ns]?\\b(?! (?:antes|hasta|manana|hoy)\\b)",
  "(?:deje|dejen|deja|dejad|paren|pare|para) de (?:escribir|enviar|mandar|llamar|contactar|molestar|textear)\\w*",
  "(?:quite|quita|quiten|elimine|elimina|eliminen|borre|borra|borren|saque|saca|saquen|remueva|remueve|desuscriba|desuscribe)(?:me|nos)\\b|sacarme de (?:la|su|tu|esta)|(?:quite|elimine|borre|saque|remueva)n? (?:mi|este|nuestro) (?:numero|correo|nombre|e?mail|telefono)",
  "\\b(?:dame|deme|denme|darme|darnos|doy|denos|quiero|solicito|pido) (?:la |mi |de ){0,4}baja|desuscribirme",
  "dej(?:e|a|en)(?:me|nos) (?:en paz|tranquil[oa])",
  "no (?:quiero|deseo|queremos|deseamos) (?:recibir|mas (?:mensajes|correos|llamadas)|que me (?:llam|escrib|contact|envi|mand))",
  "(?:cancelar|cancele|cancelen|anular|anule) (?:mi|la|esta) suscripcion",
];

const FRENCH = [
  "(?:arretez|arrete|arreter|cessez|cesse|stoppez|stop)(?: \\w+)? (?:de |d)?(?:m|me |nous |vos )?(?:envoyer|denvoyer|menvoyer|ecrire|mecrire|contacter|appeler|mappeler|harceler|deranger|spammer|importuner|solliciter|messages|sms|mails|emails)\\b",
  "ne (?:me |nous |m)?(?:contactez|contacte|ecrivez|envoyez|appelez|derangez|recontactez|sollicitez|harcelez) (?:plus|pas|jamais)(?! (?:avant|demain|encore))",
  "ne (?:plus|pas|jamais) (?:me |nous |m)?(?:contacter|recontacter|envoyer|ecrire|appeler|deranger|solliciter)(?! (?:avant|demain|encore))|ne plus (?:recevoir|etre contacte)",
  "(?:desabonn|desinscri)\\w* (?:moi|nous)\\b|(?:retirez|supprimez|enlevez|rayez|radiez|effacez) (?:moi|nous|(?:mon|mes|notre) \\w+)\\b|me (?:desabonner|desinscrire|retirer|supprimer)\\b|(?:supprimer|retirer|effacer|enlever) (?:mon|mes|notre) (?:numero|adresse|e?mail|nom|donnees|coordonnees)",
  "(?:^|, )(?:merci )?plus (?:de |d|jamais de )(?:e?mails?|sms|messages?|courriels?|appels?)",
  "laisse[zr]? (?:moi|nous) tranquilles?|(?:fichez|foutez|lachez) (?:moi|nous) la paix",
  "ne (?:souhaite|souhaitons|veux|voulons|desire) plus (?:recevoir|etre|de)",
];

const NOT = "(?:(?!nicht\\b|nie\\b)\\w+ )";
const GERMAN = [
  "(?:^|, |bitte )keine? (?:(?:weiteren?|mehr) ){0,4}(?:e?mails?|nachrichten|sms|anrufe|werbung|newsletter|kontaktaufnahme)\\b|keine weiteren? (?:e?mails?|nachrichten|sms|anrufe|kontaktaufnahme|werbung)",
  "(?:schreib|schick|send|ruf|kontaktier|belastig|nerv|melde)\\w*(?: sie)?(?: bitte)? (?:mich|mir|uns)(?: bitte)? (?:\\w+ )?(?:nicht (?:mehr|wieder|an)|nie|keine|nichts)(?! (?:vor|morgen|heute))",
  `(?:nehmen?|nimm|nehmt|tragen?|trag|melden?|meld)(?: sie)? ${NOT}{0,2}?(?:mich|uns|meine \\w+) ${NOT}{0,5}?(?:verteiler|liste|mailingliste|raus|newsletter|datenbank|aus|ab)\\b`,
  "(?:loschen?|entfernen?|streichen?)(?: sie)?(?: bitte)? (?:mich|uns|meine \\w+|diese (?:nummer|adresse))(?! nicht)\\b|(?:mich|uns)(?: bitte)? (?:aus|von|vom) (?:\\w+ ){0,3}?(?:loschen|entfernen|streichen|nehmen|abmelden|austragen)",
  "(?:aus|von|vom) (?:(?:der|dem|ihrer|ihrem|eurer|eurem) )?(?:\\w+ )?(?:liste|verteiler|datenbank|newsletter|mailingliste) (?:loschen|entfernen|streichen|nehmen|austragen|abmelden)",
  "(?:^|bitte |mich |uns )nicht mehr (?:schreiben|anrufen|kontaktieren|melden|mailen|anschreiben)|(?:mich|uns) (?:\\w+ )?(?:abmelden|austragen|abbestellen)|newsletter abbestellen",
  "lass(?:en|t)?(?: sie)? (?:mich|uns)(?: bitte)? in ruhe|hor(?:en|t)?(?: sie)?(?: bitte)? auf (?:mir|mich|uns|damit|zu)",
  "(?:mochten?|will|wollen|wunschen?) (?:\\w+ ){0,3}?(?:keine|nichts|nicht) (?:\\w+ ){0,5}?(?:erhalten|bekommen|kontaktiert|angerufen|angeschrieben|horen)\\b",
  "widersprech?e (?:\\w+ ){0,4}?(?:nutzung|verarbeitung|werbung|kontaktaufnahme|zusendung|verwendung)",
];

const PORTUGUESE = [
  "(?:pare|parem|para|parar) de (?:me |nos )?(?:enviar|mandar|escrever|ligar|contatar|contactar|perturbar|incomodar)",
  "nao (?:me|nos) (?:envie|mande|ligue|escreva|contate|contacte|perturbe|incomode|procure)m?\\b(?! (?:antes|ate|amanha|hoje)\\b)",
  "(?:me (?:(?:remov|retir|exclu|descadastr)\\w+|tir\\w+ (?:da|do|de|dessa|desta|desse))|(?:remov[ae]|retir[ae]|tir[ae]|exclu[ai]|apagu?[ae]|descadastr[ae]|remover|retirar|excluir|apagar)m? (?:me|(?:o )?meu \\w+|(?:a )?minha \\w+))\\b(?! duvida)",
  "nao (?:quero|desejo|queremos) (?:mais )?(?:receber|mensagens|e?mails|ser contat)|chega de (?:mensagens|e?mails|spam|sms)",
  "me deixem? em paz|deixem? me em paz|cancelar? (?:a )?minha (?:inscricao|assinatura)",
];

const ITALIAN_AND_DUTCH = [
  "non (?:mi|ci) (?:contatt|scriv|chiam|mand|invi|disturb)\\w+ (?:piu|mai)|non (?:voglio|desidero) (?:piu )?ricevere",
  "(?:cancella|rimuove|rimuovi|toglie|togli|disiscrive|disiscrivi)(?:te)?(?:mi|ci)\\b|lasciate?mi in pace|smette(?:te|tela)? di (?:scriver|chiamar|mandar|inviar|contattar)\\w+",
  "(?:schrijf|haal|verwijder) (?:mij|me|ons|mijn \\w+) (?:\\w+ )?(?:uit|van)\\b|stop met (?:mailen|bellen|sturen|smsen|appen)|laat (?:mij|me|ons) met rust|geen (?:e?mails?|berichten|sms|reclame) meer",
];

export const PHRASES: readonly RegExp[] = [ENGLISH, SPANISH, FRENCH, GERMAN, PORTUGUESE, ITALIAN_AND_DUTCH]
  .flat()
  .map((phrase) => new RegExp(`(?<!\\w)(?:${phrase})`, "gm"));

/**
 * Right before a phrase this turns it around: "don't remove me", "I'd never ask you to stop texting me", "no quiero darme de baja".
 * Not so when the negation is the other side's: "if you don't stop texting me", "you never stop calling me".
 */
export const DENIAL =
  /(?<!\byou )\b(?:dont|do not|didnt|did not|never|cant|cannot|can not|couldnt|wont|will not|wouldnt|would not|shouldnt|should not|not|no need|without|rather than|instead of)(?! you\b)(?: (?:to|want|wanted|wish|need|ask|asking|asked|told|tell|saying|said|say|like|have|plan|planning|intend|going|trying|mean|ever|really|actually|even|just|you|them|anyone|him|her)){0,4} $|\bwhy (?:did|would) you $|\b(?:does|did|do|can) (?:it|this|that|the|your)(?: \w+){1,3} $|\b(?:nao|non|ne|nunca|jamais|pas)(?: (?:me|mi|nos|te|se|vous|quero|queremos|veux|voulons|souhaite|voglio|de)){0,3} $|\bno(?: (?:me|nos|te|se|quiero|queremos|deseo|hace falta|es necesario)){1,3} $/;
