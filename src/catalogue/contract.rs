//! What is wrong with a contract.

use crate::catalogue::page::Page;
use crate::catalogue::page::page;

/// By code, sorted.
pub(super) const PAGES: &[Page] = &[
    page(
        "actuates-answer",
        [
            "a move whose answer says nothing certain",
            "An operation that moves something declares what its success looks like.",
        ],
        ["ответ движущей операции неопределён", "Операция, которая что-то двигает, объявляет, как выглядит успех."],
    ),
    page(
        "actuates-idempotency",
        [
            "a move without an idempotency key",
            "A command that is given twice must move once. Add `idempotency: header`, or the name of a required text of the body.",
        ],
        [
            "движущая операция без ключа идемпотентности",
            "Повторённая команда должна сработать один раз. Добавьте `idempotency: header` или имя обязательного поля тела.",
        ],
    ),
    page(
        "actuates-max-age",
        [
            "a move without an age",
            "A door that opens late opens for whoever stands there then. Add `max_age`, for instance `10s`.",
        ],
        [
            "движущая операция без срока команды",
            "Дверь, открытая с опозданием, откроется тому, кто стоит там теперь. Добавьте `max_age`, например `10s`.",
        ],
    ),
    page(
        "actuates-method",
        ["a move by a safe method", "GET and OPTIONS change nothing; take POST or PUT."],
        ["движущая операция с безопасным методом", "GET и OPTIONS ничего не меняют; возьмите POST или PUT."],
    ),
    page(
        "actuates-object",
        [
            "a move of what the path does not name",
            "What moves stands in the path, so that a proof covers it: every part of `resource.id`, the last one an identifier of what moves.",
        ],
        [
            "движется то, чего нет в пути",
            "Что движется, стоит в пути: каждая часть `resource.id`, последняя — идентификатор движимого.",
        ],
    ),
    page(
        "ambiguous-name",
        [
            "one name for two values",
            "Policies and resources name values by their names alone; give one of them another.",
        ],
        ["одно имя у двух значений", "Политики и ресурсы называют значения только по имени; дайте одному другое имя."],
    ),
    page(
        "any-of",
        ["an `anyOf` that could mean two things", "Its branches must differ in kind or by a property."],
        ["`anyOf` можно понять двояко", "Ветви должны различаться видом или свойством."],
    ),
    page(
        "body-limit",
        [
            "a body limit that does not fit",
            "Only a body with something encrypted may be longer than the configuration's limit, and there must be one.",
        ],
        [
            "предел тела не подходит",
            "Длиннее предела из конфигурации может быть только тело с зашифрованным содержимым.",
        ],
    ),
    page(
        "body-not-an-object",
        ["a body that is no object", "Bodies of requests are objects, so that what is added later has a name."],
        ["тело — не объект", "Тело запроса — объект, чтобы у добавленного позже было имя."],
    ),
    page(
        "body-unfit",
        ["a body where none can stand", "GET and OPTIONS have none, nor has a 204."],
        ["тело там, где его быть не может", "У GET, OPTIONS и ответа 204 тела нет."],
    ),
    page(
        "bounds",
        ["bounds between which nothing fits", "The lower one is at most the upper one."],
        ["границы, между которыми ничего нет", "Нижняя граница не больше верхней."],
    ),
    page(
        "claim-unfit",
        [
            "a claim that cannot be the value's",
            "`claim` names the token's claim that the value must equal, for identifiers in requests.",
        ],
        [
            "`claim` не подходит",
            "`claim` называет поле токена, которому равно значение; бывает у идентификаторов в запросах.",
        ],
    ),
    page(
        "contract-too-large",
        ["a contract with too many schemas", "At most 20,000, references followed."],
        ["в контракте слишком много схем", "Не больше 20 000 вместе с теми, на которые есть ссылки."],
    ),
    page(
        "discriminator",
        [
            "a choice that is not told apart",
            "Each branch of `oneOf` has values of the discriminator's property that no other has.",
        ],
        ["выбор не различить", "У каждой ветви `oneOf` свои значения свойства-различителя."],
    ),
    page(
        "duplicate-operation",
        ["two operations or events of one name", "Records name them by it; give one another name."],
        ["две операции или события с одним именем", "По нему их называют записи; дайте другое имя."],
    ),
    page(
        "duration",
        ["a time that is none", "A number and a unit, for instance `10s` or `5m`."],
        ["неверная длительность", "Число и единица, например `10s` или `5m`."],
    ),
    page(
        "egress-local-override",
        [
            "a way out that hangs on the gateway",
            "Nobody's way out may depend on it: state `local_override: true` once the lock opens locally.",
        ],
        [
            "выход зависит от шлюза",
            "Выход людей не может зависеть от шлюза: укажите `local_override: true`, когда замок открывается на месте.",
        ],
    ),
    page(
        "encrypt-not-available",
        ["a protection that is not there yet", "Take `require-encrypted`, `pseudonymize` or `drop`."],
        ["такой защиты пока нет", "Возьмите `require-encrypted`, `pseudonymize` или `drop`."],
    ),
    page(
        "enum",
        ["an `enum` or `const` that does not fit", "Values of the type alone, none twice, at least one."],
        ["`enum` или `const` не подходит", "Только значения этого типа, без повторов, хотя бы одно."],
    ),
    page(
        "event-body",
        ["an event that is no event", "Its body is an object of `type`, `timestamp` and `data`."],
        ["событие устроено не так", "Тело события — объект с `type`, `timestamp` и `data`."],
    ),
    page(
        "event-person",
        ["an event that would tell who a person is", "An identifier of a person crosses as a pseudonym only."],
        ["событие выдало бы человека", "Идентификатор человека передаётся только псевдонимом."],
    ),
    page(
        "idempotency-field",
        ["an idempotency key that may be absent", "It is a required text of the body's top level."],
        ["ключа идемпотентности может не быть", "Это обязательное текстовое поле верхнего уровня тела."],
    ),
    page(
        "inbound-scope",
        [
            "a scope that is missing, or not to the purpose",
            "An operation of `direction: inbound` names the `scope` that the partner's token must have; no other operation has one.",
        ],
        [
            "область доступа не указана или не к месту",
            "Операция с `direction: inbound` называет `scope`, который должен быть в токене партнёра; у других операций его нет.",
        ],
    ),
    page(
        "inbound-unfit",
        [
            "something that an inbound operation cannot say",
            "What moves something, needs a right, is done once or asks how somebody signed in takes a person's token; a partner's speaks for no person.",
        ],
        [
            "входящая операция не может так",
            "Движение, право, однократность и требования ко входу требуют токена человека; токен партнёра ни за кого не говорит.",
        ],
    ),
    page(
        "invalid-name",
        ["something that is no name", "At most 64 letters, digits, `-`, `_` and `.`."],
        ["это не имя", "Не больше 64 букв, цифр, `-`, `_` и `.`."],
    ),
    page(
        "invalid-value",
        ["a country, period or text that is none", "See docs/contract.md for the form of each."],
        ["неверная страна, срок или строка", "Форма каждого описана в docs/contract.md."],
    ),
    page(
        "local-override-unfit",
        ["a local override where nobody gets out", "It is said of operations with `life_safety: egress` alone."],
        ["`local_override` не к месту", "Его указывают только у операций с `life_safety: egress`."],
    ),
    page(
        "media-type",
        ["a body that is not JSON", "Only `application/json` and its kin cross."],
        ["тело — не JSON", "Проходит только `application/json` и родственные типы."],
    ),
    page(
        "merge-unfit",
        [
            "an `allOf` that cannot be one object",
            "Its parts are objects, and no property stands in two of them differently.",
        ],
        ["`allOf` не складывается в один объект", "Части — объекты, и ни одно свойство не описано в двух по-разному."],
    ),
    page(
        "missing-claim",
        [
            "an identifier of a person that is not the token's",
            "Ids of users, devices and cars in a request equal a claim: add `claim`.",
        ],
        [
            "идентификатор человека не сверен с токеном",
            "Идентификаторы пользователя, устройства и машины в запросе равны полю токена: добавьте `claim`.",
        ],
    ),
    page(
        "missing-class",
        ["a value without a class", "Every value that crosses says what it is: add `x-portcullis: {class: …}`."],
        ["значение без класса", "Каждое значение говорит, что оно такое: добавьте `x-portcullis: {class: …}`."],
    ),
    page(
        "missing-of",
        ["an identifier of nothing", "Say of what: `of: user`, `of: door` …"],
        ["идентификатор неизвестно чего", "Скажите чего: `of: user`, `of: door` …"],
    ),
    page(
        "missing-protect",
        [
            "a value that nobody protects",
            "All but `public` say what happens on the way out: `keep`, `drop`, `pseudonymize`, `require-encrypted`.",
        ],
        [
            "значение без защиты",
            "Все, кроме `public`, говорят, что с ними делают: `keep`, `drop`, `pseudonymize`, `require-encrypted`.",
        ],
    ),
    page(
        "multiple-of",
        ["a `multipleOf` that is none", "A number greater than nought that can be told exactly."],
        ["неверный `multipleOf`", "Число больше нуля, записываемое точно."],
    ),
    page(
        "name-unfit",
        ["names of members that do not end", "`propertyNames` is a schema of text that says how long it can be."],
        ["имена членов не ограничены", "`propertyNames` — схема строки с пределом длины."],
    ),
    page(
        "narrows-unfit",
        ["an event that narrows from the wrong side", "Only events to the partner tell it that rights have ended."],
        ["`narrows` с другой стороны", "О конце прав сообщают только события партнёру."],
    ),
    page(
        "no-operations",
        ["a contract that declares nothing", "Declare an operation or an event."],
        ["контракт ничего не объявляет", "Объявите операцию или событие."],
    ),
    page(
        "no-success",
        ["an operation that cannot succeed", "Declare an answer of 2xx."],
        ["у операции нет успешного ответа", "Объявите ответ 2xx."],
    ),
    page(
        "not-a-leaf",
        [
            "an object or a list where a single value stands",
            "Paths, queries and headers hold text, numbers and booleans.",
        ],
        [
            "объект или список вместо одного значения",
            "В пути, запросе и заголовках — строки, числа и логические значения.",
        ],
    ),
    page(
        "null-unfit",
        ["a `null` that cannot stand there", "Leave the property out of `required` instead."],
        ["`null` здесь быть не может", "Вместо этого уберите свойство из `required`."],
    ),
    page(
        "of-unfit",
        ["an `of` that does not fit", "Only identifiers are of something."],
        ["`of` не к месту", "Только идентификатор бывает чей-то."],
    ),
    page(
        "open-object",
        ["an object that may hold anything", "The world is closed: write `additionalProperties: false`, or nothing."],
        ["открытый объект", "Мир закрыт: напишите `additionalProperties: false` или ничего."],
    ),
    page(
        "openapi-version",
        ["another version of OpenAPI", "Contracts are OpenAPI 3.1."],
        ["другая версия OpenAPI", "Контракты пишутся на OpenAPI 3.1."],
    ),
    page(
        "optional-body",
        ["a body that may be absent", "Say `required: true`: two spellings of one request are one too many."],
        ["тела может не быть", "Напишите `required: true`."],
    ),
    page(
        "overlapping-paths",
        ["two paths that one request fits", "Make one of them differ in a literal piece."],
        ["один запрос подходит к двум путям", "Сделайте так, чтобы они различались постоянной частью."],
    ),
    page(
        "parameter-name",
        ["a parameter that has no place", "Path parameters stand in the template; names differ in one operation."],
        ["параметру нет места", "Параметры пути стоят в шаблоне; имена в операции не повторяются."],
    ),
    page(
        "parameter-style",
        ["a style of parameters that is not taken", "Queries are of `form`, lists with `explode`."],
        ["неподдерживаемый стиль параметра", "Параметры запроса — `form`, списки — с `explode`."],
    ),
    page(
        "path-parameter",
        ["a path parameter that does not fit its path", "It is required, and stands in the template once."],
        ["параметр не подходит к пути", "Он обязателен и стоит в шаблоне один раз."],
    ),
    page(
        "path-template",
        ["a path that cannot be", "Pieces are one `{parameter}` or letters, digits, `-`, `.`, `_`, `~`."],
        ["невозможный путь", "Часть пути — `{parameter}` или буквы, цифры, `-`, `.`, `_`, `~`."],
    ),
    page(
        "pattern",
        [
            "a pattern that is not taken",
            "It is anchored, `^…$`, of literals, classes, groups, alternatives and repetition.",
        ],
        ["неподдерживаемый шаблон", "Он ограничен `^…$` и состоит из букв, классов, групп, вариантов и повторов."],
    ),
    page(
        "protect-unfit",
        [
            "a protection that does not fit the class",
            "Biometric data and secrets never cross as they are; only identifiers become pseudonyms.",
        ],
        [
            "защита не подходит к классу",
            "Биометрия и секреты не передаются как есть; псевдонимами становятся только идентификаторы.",
        ],
    ),
    page(
        "records-array",
        ["records that are no list", "`records.array` points to a list in each answer of 2xx."],
        ["`records` — не список", "`records.array` указывает на список в каждом ответе 2xx."],
    ),
    page(
        "records-house",
        ["records without their house", "Each record names its house by a required identifier."],
        ["записи без дома", "Каждая запись называет свой дом обязательным идентификатором."],
    ),
    page(
        "records-missing",
        [
            "a list of which nobody could tell whose it is",
            "Say in `records` which list it is and which member names the house.",
        ],
        ["неизвестно, чей это список", "Скажите в `records`, какой это список и какое поле называет дом."],
    ),
    page(
        "ref-cycle",
        ["a reference to itself", "Schemas end somewhere."],
        ["ссылка на саму себя", "Схема должна где-то кончаться."],
    ),
    page(
        "ref-outside",
        ["a reference out of the file", "Only `#/components/…` is followed."],
        ["ссылка за пределы файла", "Поддерживаются только ссылки `#/components/…`."],
    ),
    page(
        "ref-unknown",
        ["a reference to nothing", "Perhaps a slip of the pen."],
        ["ссылка в никуда", "Возможно, описка."],
    ),
    page(
        "required-twice",
        ["a name that is required twice", "Keep one."],
        ["имя обязательно дважды", "Оставьте одно."],
    ),
    page(
        "required-unknown",
        ["a name that is required and not declared", "Declare the property, or take it out of `required`."],
        ["обязательного свойства нет", "Объявите свойство или уберите из `required`."],
    ),
    page(
        "reserved-header",
        [
            "a header that cannot be declared",
            "The gateway itself speaks it, or it would change how the message is read.",
        ],
        ["этот заголовок объявить нельзя", "Его пишет сам шлюз, либо он меняет чтение сообщения."],
    ),
    page(
        "reserved-path",
        ["a path of the gateway's own", "Paths that begin with `/-/` or `/.well-known/` are the gateway's."],
        ["путь самого шлюза", "Пути `/-/` и `/.well-known/` принадлежат шлюзу."],
    ),
    page(
        "resource-id",
        ["a resource without its name", "`resource.id` names values that are always there as text."],
        ["ресурс без имени", "`resource.id` называет значения, которые всегда есть в виде строки."],
    ),
    page(
        "size",
        ["a size that is none", "A number and a unit, for instance `64KiB`."],
        ["неверный размер", "Число и единица, например `64KiB`."],
    ),
    page(
        "status",
        ["an answer of any status", "Declare each status by its number."],
        ["ответ с любым статусом", "Объявите каждый статус числом."],
    ),
    page(
        "too-dear",
        [
            "a body that would cost too much work",
            "Shorten lists and texts, or simplify patterns: docs/contract.md tells the bound.",
        ],
        [
            "тело обошлось бы слишком дорого",
            "Сократите списки и строки или упростите шаблоны: предел в docs/contract.md.",
        ],
    ),
    page(
        "too-deep",
        ["a schema that is nested too deeply", "See `limits.json_max_depth`."],
        ["схема слишком глубока", "См. `limits.json_max_depth`."],
    ),
    page(
        "too-many-members",
        ["an object with too many members", "See `limits.json_max_members`."],
        ["в объекте слишком много членов", "См. `limits.json_max_members`."],
    ),
    page(
        "type-list",
        ["a list of types", "One type, or one and `\"null\"`."],
        ["список типов", "Один тип или один тип и `\"null\"`."],
    ),
    page("unbounded-array", ["a list without an end", "Add `maxItems`."], ["список без конца", "Добавьте `maxItems`."]),
    page(
        "unbounded-map",
        ["a map without an end", "Add `maxProperties` and `propertyNames`."],
        ["отображение без конца", "Добавьте `maxProperties` и `propertyNames`."],
    ),
    page(
        "unbounded-text",
        ["text without an end", "Add `maxLength`, `pattern`, `enum` or a `format` that ends it."],
        ["строка без конца", "Добавьте `maxLength`, `pattern`, `enum` или ограничивающий `format`."],
    ),
    page(
        "unused-component",
        ["a component that nobody uses", "Nobody has checked it. Take it out."],
        ["компонент никто не использует", "Его никто не проверил. Уберите."],
    ),
];
