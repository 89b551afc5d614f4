//! What somebody should look at: the lints of a bundle, and what is wrong with allowing one.

use crate::catalogue::page::Page;
use crate::catalogue::page::page;

/// By code, sorted.
pub(super) const PAGES: &[Page] = &[
    page(
        "action-never-asked",
        [
            "an action of the schema that nothing is",
            "No operation and no event of a contract names the action, and the gateway does not ask it itself: its policies decide nothing. Take it out, or declare the operation.",
        ],
        [
            "действие схемы, которого никто не запрашивает",
            "Ни одна операция и ни одно событие в контрактах не называет это действие, и сам шлюз о нём не спрашивает: его политики ничего не решают. Уберите его или объявите операцию.",
        ],
    ),
    page(
        "action-without-policy",
        [
            "an action that no policy permits",
            "What no policy permits is denied, so nobody may ever do it. Write a permit; or, where people alone are to do it by another way, say so with `allow`.",
        ],
        [
            "действие, которое не разрешает ни одна политика",
            "Что не разрешено, то запрещено, поэтому выполнить его не сможет никто. Напишите permit; если так и задумано, скажите об этом через `allow`.",
        ],
    ),
    page(
        "allow-unknown",
        [
            "an `allow` for a code that is no lint",
            "Only lints can be allowed, each by its own code: `allow(code): why`. Errors cannot.",
        ],
        [
            "`allow` с кодом, которого нет среди замечаний",
            "Разрешать можно только замечания, каждое по своему коду: `allow(code): почему`. Ошибки разрешить нельзя.",
        ],
    ),
    page(
        "allow-unused",
        [
            "an `allow` that allows nothing",
            "What was once meant must not silence what comes later. Take it out, or move it: it holds for its own line, or for the first line after its comment.",
        ],
        [
            "`allow`, который ничего не разрешает",
            "Старое разрешение не должно скрыть новое замечание. Уберите его или переставьте: оно действует на свою строку или на первую строку после комментария.",
        ],
    ),
    page(
        "allow-without-why",
        [
            "an `allow` without a reason",
            "Whoever reads it next year must know why it is meant: write `allow(code): why`, in a few words.",
        ],
        [
            "`allow` без причины",
            "Через год читающий должен понять, почему так задумано: напишите `allow(code): почему`, несколькими словами.",
        ],
    ),
    page(
        "forbid-never-asked",
        [
            "a forbid that can never match",
            "No operation, no event and no path of the gateway asks with this action, principal and resource together, so it forbids nothing. Correct its scope, or take it out.",
        ],
        [
            "запрет, который никогда не сработает",
            "С таким действием, субъектом и ресурсом вместе никто не спрашивает, поэтому он ничего не запрещает. Исправьте условия или уберите политику.",
        ],
    ),
    page(
        "grants-everyone",
        [
            "a permit that holds for everyone",
            "It asks neither for a role nor for a right, a tenant or a peer. Name who is meant, or say why everyone is.",
        ],
        [
            "разрешение для всех подряд",
            "Политика не спрашивает ни роли, ни права, ни арендатора, ни отправителя. Назовите, кому разрешено, или объясните, почему всем.",
        ],
    ),
    page(
        "has-unknown",
        [
            "a `has` about an attribute that there is not",
            "Cedar takes it, and the answer is always no: a slip of the pen makes the rest of the condition mean nothing. Correct the name.",
        ],
        [
            "`has` о несуществующем атрибуте",
            "Cedar это принимает, и ответ всегда «нет»: из-за описки остальное условие ничего не значит. Исправьте имя.",
        ],
    ),
    page(
        "identical-policies",
        [
            "two policies that say the same",
            "Whoever changes one of them later will believe to have changed the rule. Keep one.",
        ],
        ["две одинаковые политики", "Кто потом изменит одну из них, решит, что изменил правило. Оставьте одну."],
    ),
    page(
        "names-nobody",
        [
            "a policy that names what there never is",
            "A partner without a contract, or a person or thing whose id is not spelt as the gateway spells it: such a policy never matches it. See docs/bundle.md for how ids are spelt.",
        ],
        [
            "политика называет то, чего не бывает",
            "Партнёр без контракта либо человек или объект, чей идентификатор записан не так, как его пишет шлюз: политика никогда с ним не совпадёт. Как пишутся идентификаторы, см. docs/bundle.md.",
        ],
    ),
    page(
        "never-equal",
        [
            "a comparison with a word that the attribute never is",
            "`context.tokenKind` is `session` or `sign-in`; `context.purpose` is one that a contract states. Anything else is a slip of the pen.",
        ],
        [
            "сравнение со словом, которым атрибут не бывает",
            "`context.tokenKind` бывает `session` или `sign-in`; `context.purpose` берётся из контрактов. Всё остальное — описка.",
        ],
    ),
    page(
        "operation-without-test",
        [
            "an operation or event that no test plays",
            "What no test plays may be broken by any change, and nobody sees it. Add a case under `tests/`.",
        ],
        [
            "операция или событие без теста",
            "Что не проверяется тестом, может сломаться при любом изменении, и этого никто не заметит. Добавьте случай в `tests/`.",
        ],
    ),
    page(
        "pattern-without-end",
        [
            "text whose pattern has no end",
            "Nothing but the limit of the whole body ends it. Add `maxLength`, or write `{1,64}` for `+` and `*`.",
        ],
        [
            "строка, шаблон которой не ограничивает длину",
            "Её ограничивает только размер всего тела. Добавьте `maxLength` или напишите `{1,64}` вместо `+` и `*`.",
        ],
    ),
    page(
        "permit-never-asked",
        [
            "a permit that nothing can trigger",
            "No operation, no event and no path of the gateway asks with this action, principal and resource together. Correct its scope, take it out, or add the operation.",
        ],
        [
            "разрешение, до которого дело не дойдёт",
            "С таким действием, субъектом и ресурсом вместе никто не спрашивает. Исправьте условия, уберите политику или добавьте операцию.",
        ],
    ),
    page(
        "real-data",
        [
            "test data that looks like a real person's",
            "A bundle is read by many and kept for long. Make data up that nobody can have: `a@example.org`, `+7 900 000-00-00`, `А000АА00`.",
        ],
        [
            "тестовые данные похожи на данные живого человека",
            "Набор читают многие, и хранится он долго. Придумайте данные, которых ни у кого нет: `a@example.org`, `+7 900 000-00-00`, `А000АА00`.",
        ],
    ),
    page(
        "soft-class",
        [
            "a field that looks personal, with a soft class",
            "Its name speaks of a person, its class says that it is nobody's. Class it `personal` or `biometric` and protect it, or say why it is neither.",
        ],
        [
            "поле похоже на персональные данные, а класс мягкий",
            "Имя поля говорит о человеке, а класс — что данные ничьи. Поставьте класс `personal` или `biometric` и защиту либо объясните, почему они не нужны.",
        ],
    ),
    page(
        "unless-absent",
        [
            "an `unless` about something that may be absent",
            "Where the attribute is absent the condition is false, so the permit holds. Say in a `when` what must be there.",
        ],
        [
            "`unless` об атрибуте, которого может не быть",
            "Если атрибута нет, условие ложно и разрешение действует. Напишите в `when`, что должно быть.",
        ],
    ),
    page(
        "until-over",
        [
            "a permit that has ended",
            "Its last day is over; it matches nothing. Take it out, or have a later day approved.",
        ],
        [
            "срок разрешения истёк",
            "Последний день прошёл, политика больше ни с чем не совпадает. Уберите её или согласуйте новую дату.",
        ],
    ),
    page(
        "until-soon",
        [
            "a permit that ends within fourteen days",
            "From the midnight after its last day, in UTC, it matches nothing. Have a later day approved in time, or leave it to end.",
        ],
        [
            "срок разрешения истекает через две недели или раньше",
            "С полуночи (UTC) после последнего дня политика ни с чем не совпадает. Согласуйте новую дату заранее или дайте ей закончиться.",
        ],
    ),
];
