//! What is wrong with approvals: statements, signatures, the list of signers, evidence; and with the pins of requirements.

use crate::catalogue::page::Page;
use crate::catalogue::page::page;

/// By code, sorted.
pub(super) const PAGES: &[Page] = &[
    page(
        "activation-unkept",
        [
            "an activation that was not kept",
            "What comes into force is written down first, so that nothing older comes back. See the message; look at the store.",
        ],
        [
            "ввод в действие не записан",
            "Сначала записывается, что вводится, чтобы старое не вернулось. См. сообщение и хранилище.",
        ],
    ),
    page(
        "approval-apart",
        [
            "approvals that do not belong together",
            "Statements that count together say the same: bundle, sequence, environment. Have them written anew.",
        ],
        [
            "подписи не об одном и том же",
            "Заявления засчитываются вместе, если говорят об одном: набор, номер, среда. Напишите их заново.",
        ],
    ),
    page(
        "approval-missing",
        ["an approval that is missing", "The message says whose. `portcullis approve` writes the statement."],
        ["не хватает согласования", "Чьего, см. в сообщении. Заявление пишет `portcullis approve`."],
    ),
    page(
        "bundle-refused",
        ["a bundle that is not taken", "The last good one stays in force; the other findings say why."],
        ["набор не принят", "Действует последний годный; причины в других сообщениях."],
    ),
    page(
        "evidence-missing",
        ["evidence that is missing", "A new partner or something new that moves needs a probe or a pentest."],
        ["нет свидетельства", "Новому партнёру или новой движущей операции нужна проверка (probe или pentest)."],
    ),
    page(
        "evidence-old",
        ["evidence that is too old", "It is at most 180 days old: have it done again."],
        ["свидетельство устарело", "Ему не больше 180 дней: проведите проверку снова."],
    ),
    page(
        "malformed-pin",
        ["a pin that is none", "SHA-256 in hexadecimal, with colons or without, best in quotes."],
        ["неверный отпечаток", "SHA-256 в шестнадцатеричном виде, с двоеточиями или без, лучше в кавычках."],
    ),
    page(
        "signature-alone",
        ["a signature without its statement", "Keep both together, or take it out."],
        ["подпись без заявления", "Держите их вместе или уберите подпись."],
    ),
    page(
        "signature-form",
        ["a signature that is none", "Take the file as `ssh-keygen -Y sign` wrote it."],
        ["файл не подпись", "Возьмите файл таким, каким его записал `ssh-keygen -Y sign`."],
    ),
    page(
        "signature-mismatch",
        ["a signature of other bytes", "Statement or signature was changed: sign it anew."],
        ["подпись под другими байтами", "Заявление или подпись изменены: подпишите заново."],
    ),
    page(
        "signer-key",
        ["a signer's key that is not taken", "See the message for which kinds are."],
        ["ключ подписанта не принимается", "Какие принимаются, см. в сообщении."],
    ),
    page(
        "signer-key-twice",
        ["one key for two signers", "Each person has keys of their own."],
        ["один ключ у двух подписантов", "У каждого человека свои ключи."],
    ),
    page(
        "signer-of-two-roles",
        ["one person in two roles", "Two roles are two persons."],
        ["один человек в двух ролях", "Две роли — два человека."],
    ),
    page(
        "signer-other",
        ["a statement that another person signed", "Who is named in it signs it."],
        ["заявление подписал другой", "Подписывает тот, кто в нём назван."],
    ),
    page(
        "signer-unknown",
        ["a signer who is not on the list", "Add the key to the signers' file, by its own procedure."],
        ["подписанта нет в списке", "Внесите ключ в файл подписантов установленным порядком."],
    ),
    page(
        "signers-environment",
        ["a list of signers for another environment", "Take that of this environment."],
        ["список подписантов другой среды", "Возьмите список этой среды."],
    ),
    page(
        "signers-in-bundle",
        ["a list of signers within the bundle", "Who approves is not said by what is approved: move it out."],
        ["список подписантов внутри набора", "Кто согласует, не может говорить сам набор: вынесите список."],
    ),
    page(
        "signers-length",
        ["a list of signers that is too long", "See docs/operations.md for the bound."],
        ["список подписантов слишком длинный", "Предел см. в docs/operations.md."],
    ),
    page(
        "signers-link",
        ["a list of signers behind a link", "It is read through none: name the file itself."],
        ["список подписантов по ссылке", "По ссылкам он не читается: назовите сам файл."],
    ),
    page(
        "signers-required",
        ["no list of signers", "Any environment but `development` needs `policies.signers`."],
        ["нет списка подписантов", "Любой среде, кроме `development`, нужен `policies.signers`."],
    ),
    page(
        "signers-rolled-back",
        ["an older list of signers", "A list that was replaced does not come back."],
        ["более старый список подписантов", "Заменённый список не возвращается."],
    ),
    page(
        "signers-unknown",
        ["a list of signers with something unknown", "See the message."],
        ["в списке подписантов что-то неизвестное", "См. сообщение."],
    ),
    page(
        "signers-unreadable",
        ["a list of signers that cannot be read", "Look whether it is there, and whether this user may read it."],
        ["список подписантов не прочитать", "Проверьте, есть ли он и может ли его читать этот пользователь."],
    ),
    page(
        "signers-unsigned",
        ["a new list of signers that nobody signed", "Two roles of the list before sign it."],
        ["новый список подписантов не подписан", "Его подписывают две роли прежнего списка."],
    ),
    page(
        "signers-writable",
        ["a list of signers that others may write", "It belongs to root, and the service cannot write it."],
        ["список подписантов могут изменить другие", "Он принадлежит root, и служба не может его менять."],
    ),
    page(
        "statement-environment",
        ["a statement for another environment", "Have one written for this environment."],
        ["заявление для другой среды", "Напишите заявление для этой среды."],
    ),
    page(
        "statement-expired",
        ["a statement whose time is over", "Its not-after bounds the first activation: have a new one signed."],
        ["срок заявления истёк", "Срок ограничивает первый ввод в действие: подпишите новое."],
    ),
    page(
        "statement-form",
        ["a file that is no statement", "It is what `portcullis approve` wrote, to the byte."],
        ["файл не заявление", "Заявление — ровно то, что записал `portcullis approve`."],
    ),
    page(
        "statement-from-the-future",
        ["a statement of a time to come", "Look at the clocks."],
        ["заявление из будущего", "Проверьте часы."],
    ),
    page(
        "statement-other-bundle",
        ["a statement about another bundle", "A file was changed since: have this bundle approved."],
        ["заявление о другом наборе", "С тех пор файл изменился: согласуйте этот набор."],
    ),
    page(
        "statement-other-data",
        ["a statement about other data", "What goes to whom has changed: the personal-data officer signs it anew."],
        [
            "заявление о других данных",
            "Изменилось, что кому передаётся: ответственный за персональные данные подписывает заново.",
        ],
    ),
    page(
        "statement-rolled-back",
        ["a statement with a lower sequence", "An older bundle comes back by a new statement alone."],
        ["заявление с меньшим номером", "Старый набор возвращается только по новому заявлению."],
    ),
    page(
        "statement-signed",
        [
            "a statement that is signed already",
            "What is signed is not written over; write the next one with a higher sequence.",
        ],
        ["заявление уже подписано", "Подписанное не перезаписывается; составьте следующее, с большим номером."],
    ),
    page(
        "statement-unsigned",
        ["a statement that nobody signed", "Sign it by `ssh-keygen -Y sign`."],
        ["заявление не подписано", "Подпишите его через `ssh-keygen -Y sign`."],
    ),
    page(
        "unsigned-after-signed",
        ["an unsigned bundle after a signed one", "Where one was approved, the next is."],
        ["неподписанный набор после подписанного", "Где один был согласован, согласуется и следующий."],
    ),
];
