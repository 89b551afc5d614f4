//! What is wrong with a bundle: its files, Cedar schema, policies, constants and requirements; and with YAML at large.

use crate::catalogue::page::Page;
use crate::catalogue::page::page;

/// By code, sorted.
pub(super) const PAGES: &[Page] = &[
    page(
        "action-applies",
        [
            "an action that does not fit who asks, or of what",
            "The schema must let the action be asked by this principal and of this resource, as the contract says. Add the type to `appliesTo`.",
        ],
        [
            "действие не подходит к субъекту или ресурсу",
            "Схема должна допускать для действия этого субъекта и этот ресурс, как сказано в контракте. Добавьте тип в `appliesTo`.",
        ],
    ),
    page(
        "action-askers",
        [
            "an action with two kinds of askers",
            "Operations, events to the partner and events from it are asked by different principals. Give each an action of its own.",
        ],
        [
            "у действия разные инициаторы",
            "Операции, события партнёру и события от партнёра запрашивают разные субъекты. Дайте каждому своё действие.",
        ],
    ),
    page(
        "action-resource",
        [
            "an own action of the gateway on something else",
            "`revoke`, `emergencyStop` and `updateDirectory` are asked of a `Tenant` or the `Gateway`, `issueSession` of a `Door`, `Barrier` or `House`.",
        ],
        [
            "собственное действие шлюза с другим ресурсом",
            "`revoke`, `emergencyStop` и `updateDirectory` спрашиваются о `Tenant` или `Gateway`, `issueSession` — о `Door`, `Barrier` или `House`.",
        ],
    ),
    page(
        "cedar-layout",
        [
            "a policy file that cannot be laid out",
            "The formatter's text would not say the same, or lose a comment. Lay it out by hand; it is left as it is.",
        ],
        [
            "файл политик нельзя отформатировать",
            "После форматирования изменился бы смысл или пропал комментарий. Отформатируйте вручную; файл оставлен как есть.",
        ],
    ),
    page(
        "cedar-schema",
        [
            "a schema that is no Cedar schema",
            "Look at the place that is shown and at the end of what stands before it; a comma or a semicolon may be missing.",
        ],
        [
            "схема Cedar не читается",
            "Посмотрите на указанное место и на конец предыдущей строки: возможно, пропущена запятая или точка с запятой.",
        ],
    ),
    page(
        "cedar-syntax",
        ["a policy that is no Cedar", "Look at the place that is shown and at the end of what stands before it."],
        ["политика не читается как Cedar", "Посмотрите на указанное место и на конец предыдущей строки."],
    ),
    page(
        "cedar-template",
        [
            "a policy with a slot",
            "`?principal` and `?resource` make a template, and nothing fills it. Write the entity into the policy.",
        ],
        [
            "политика-шаблон",
            "`?principal` и `?resource` делают политику шаблоном, а заполнять его нечем. Впишите сущность в политику.",
        ],
    ),
    page(
        "cedar-validation",
        [
            "a policy that does not fit the schema",
            "An attribute, entity type or action is not declared, or types do not fit. Hold the policy against `cedar/schema.cedarschema`.",
        ],
        [
            "политика не соответствует схеме",
            "Атрибут, тип или действие не объявлены либо не подходят типы. Сверьте политику с `cedar/schema.cedarschema`.",
        ],
    ),
    page(
        "cedar-warning",
        [
            "a policy with a warning of Cedar's",
            "It can never hold, or a name could be taken for another. Such a policy does not load: mend it, or take it out.",
        ],
        [
            "предупреждение Cedar о политике",
            "Политика никогда не выполнится, либо имя легко спутать с другим. Такая политика не загружается: исправьте её или уберите.",
        ],
    ),
    page(
        "constant-attributes",
        ["a constant with attributes", "What is known comes in `context`; `attrs` may be there and is empty."],
        ["константа с атрибутами", "Всё известное приходит в `context`; `attrs` может быть, но пустым."],
    ),
    page(
        "constant-circle",
        ["a constant that stands in itself", "By way of its parents it comes back to itself. Leave one of them out."],
        ["константа входит сама в себя", "Через родителей она возвращается к себе. Уберите одного из них."],
    ),
    page(
        "constant-parent",
        [
            "a constant in what it cannot stand in",
            "What stands in a tenant or a house the directory tells; and the schema must allow the parent.",
        ],
        [
            "недопустимый родитель константы",
            "Что входит в арендатора или дом, говорит справочник; кроме того, родителя должна допускать схема.",
        ],
    ),
    page(
        "constant-person",
        ["a constant that is a person", "Who has which role is told by the token."],
        ["константа — человек", "У кого какая роль, сообщает токен."],
    ),
    page(
        "context-attribute",
        [
            "an attribute of `context` that nothing fills so",
            "Each attribute has one provider and one type; what may be absent is declared with `?`. docs/bundle.md lists them.",
        ],
        [
            "атрибут `context`, который так не заполняется",
            "У каждого атрибута один источник и один тип; то, чего может не быть, объявляют с `?`. Список в docs/bundle.md.",
        ],
    ),
    page(
        "contract-file-name",
        [
            "a contract in a file of another name",
            "A contract with a partner stands in `contracts/<partner>.openapi.yaml`.",
        ],
        ["контракт в файле с другим именем", "Контракт с партнёром лежит в `contracts/<partner>.openapi.yaml`."],
    ),
    page(
        "empty-list",
        ["a list that needs an entry", "Write down what is approved."],
        ["пустой список", "Впишите то, что согласовано."],
    ),
    page(
        "exchanged-file",
        [
            "a file that was exchanged while it was read",
            "The bundle is read once, as it is at that moment. Write a bundle elsewhere and move it into its place as a whole.",
        ],
        [
            "файл подменили во время чтения",
            "Набор читается один раз, каким он был в этот момент. Пишите набор в другом месте и переносите целиком.",
        ],
    ),
    page(
        "file-too-large",
        ["a file that is too large", "Take it apart, or leave out what is not needed."],
        ["файл слишком велик", "Разделите его или уберите лишнее."],
    ),
    page(
        "link",
        [
            "a link in a bundle",
            "A link would let the bundle change without anything in its folder changing. Put the file itself there.",
        ],
        ["ссылка в наборе", "По ссылке набор мог бы измениться без изменений в папке. Положите сам файл."],
    ),
    page(
        "malformed-date",
        ["a last day that is none", "Write `@until(\"2027-01-31\")`: the last day, in UTC, on which the permit holds."],
        [
            "последний день записан неверно",
            "Напишите `@until(\"2027-01-31\")`: последний день действия разрешения, по UTC.",
        ],
    ),
    page(
        "malformed-json",
        [
            "constants that are no such JSON",
            "The file is a list of `{\"uid\": {\"type\": .., \"id\": ..}, \"parents\": [..]}`.",
        ],
        [
            "константы записаны неверно",
            "Файл — это список из `{\"uid\": {\"type\": .., \"id\": ..}, \"parents\": [..]}`.",
        ],
    ),
    page(
        "malformed-name",
        [
            "something that is no name",
            "A name has at most 64 letters, digits, `-`, `_` and `.`, for instance `smarthome`.",
        ],
        ["это не имя", "В имени не больше 64 букв, цифр, `-`, `_` и `.`, например `smarthome`."],
    ),
    page(
        "missing-contract",
        [
            "a partner without a contract",
            "Add `contracts/<partner>.openapi.yaml`, or take the partner out of the requirements.",
        ],
        ["партнёр без контракта", "Добавьте `contracts/<partner>.openapi.yaml` или уберите партнёра из требований."],
    ),
    page(
        "missing-file",
        [
            "a file that is missing",
            "docs/bundle.md says what a bundle holds, docs/operations.md what the configuration names.",
        ],
        ["нет файла", "Что лежит в наборе, см. docs/bundle.md; что называет конфигурация — docs/operations.md."],
    ),
    page(
        "missing-id",
        ["a policy without `@id`", "Records and alerts name policies by it. Write above it: @id(\"its-name\")."],
        [
            "политика без `@id`",
            "По нему политику называют записи и оповещения. Напишите перед ней: @id(\"имя-латиницей\").",
        ],
    ),
    page(
        "missing-key",
        ["a key that must be there", "Add it to the mapping that begins at the place shown."],
        ["нет обязательного ключа", "Добавьте его в отображение, которое начинается в указанном месте."],
    ),
    page(
        "missing-partner",
        [
            "a contract whose partner has no hosts",
            "Without approved hosts nothing may be sent to the partner. Add it to `partners` in `requirements.yaml`.",
        ],
        [
            "у партнёра нет согласованных адресов",
            "Без них партнёру ничего нельзя отправить. Добавьте его в `partners` файла `requirements.yaml`.",
        ],
    ),
    page(
        "missing-reason",
        ["a policy without `@reason`", "One line, at most 200 characters, says to a person why the policy is there."],
        ["политика без `@reason`", "Одна строка, не длиннее 200 знаков, объясняет человеку, зачем эта политика."],
    ),
    page(
        "missing-right",
        [
            "an operation without a right towards a partner whose tokens are fetched",
            "The partner's server is asked for a token of the operation's `right`: say it, or mint the tokens.",
        ],
        [
            "операция без права у партнёра, чьи токены запрашиваются",
            "У сервера партнёра запрашивают токен на `right` операции: назовите его или выпускайте токены сами.",
        ],
    ),
    page(
        "not-a-name",
        ["an `@id` or id that is no name", "At most 64 letters, digits, `-`, `_` and `.`, for instance `open-door`."],
        ["идентификатор — не имя", "Не больше 64 букв, цифр, `-`, `_` и `.`, например `open-door`."],
    ),
    page(
        "out-of-bounds",
        ["a number out of its bounds", "Take one within the bounds that are told."],
        ["число вне границ", "Возьмите число в указанных границах."],
    ),
    page(
        "own-action",
        [
            "an operation with the gateway's own action",
            "`revoke`, `emergencyStop`, `updateDirectory` and `issueSession` are asked by the gateway itself. Give the operation another action.",
        ],
        [
            "операция с собственным действием шлюза",
            "О `revoke`, `emergencyStop`, `updateDirectory` и `issueSession` спрашивает сам шлюз. Дайте операции другое действие.",
        ],
    ),
    page(
        "repeated-id",
        ["one id for two things", "An id is one policy, house or door. Take one out, or correct it."],
        [
            "один идентификатор у двух объектов",
            "Идентификатор — это одна политика, один дом или одна дверь. Уберите или исправьте.",
        ],
    ),
    page(
        "requirement-undercut",
        [
            "a configuration that undercuts what is approved",
            "The bundle is approved, the configuration is not: it may not name another environment, issuer, partner or host.",
        ],
        [
            "конфигурация нарушает согласованные требования",
            "Набор согласован, конфигурация нет: она не может назвать другую среду, издателя, партнёра или адрес.",
        ],
    ),
    page(
        "schema-attributes",
        ["an entity type with attributes or tags", "Nothing fills them; what is known comes in `context`."],
        ["тип сущности с атрибутами или тегами", "Их нечем заполнить; всё известное приходит в `context`."],
    ),
    page(
        "schema-namespace",
        ["a schema with two namespaces", "Put all entity types into one namespace."],
        ["в схеме два пространства имён", "Поместите все типы в одно пространство имён."],
    ),
    page(
        "too-large",
        ["a bundle that is too large", "A file has at most 4 MiB, a bundle 32 MiB."],
        ["набор слишком велик", "Файл не больше 4 МиБ, набор не больше 32 МиБ."],
    ),
    page(
        "too-many-files",
        ["too many files in a bundle", "A bundle holds 4,096 files."],
        ["в наборе слишком много файлов", "В наборе помещается 4096 файлов."],
    ),
    page(
        "twice",
        ["something that stands there twice", "Keep one of them."],
        ["одно и то же дважды", "Оставьте что-то одно."],
    ),
    page(
        "unknown-action",
        ["an action that the schema lacks", "Declare `action name appliesTo { .. }`, or correct the contract."],
        ["в схеме нет такого действия", "Объявите `action имя appliesTo { .. }` или исправьте контракт."],
    ),
    page(
        "unknown-annotation",
        ["an annotation that nobody reads", "Known are `@id`, `@reason` and `@until`."],
        ["неизвестная аннотация", "Известны `@id`, `@reason` и `@until`."],
    ),
    page(
        "unknown-constant",
        [
            "a parent that is not in the list",
            "Perhaps a slip of the pen: each parent of a constant is a constant itself.",
        ],
        ["родителя нет в списке", "Возможно, описка: каждый родитель константы сам есть в списке."],
    ),
    page(
        "unknown-entity-type",
        ["an entity type that the schema lacks", "Declare it, or write it with its namespace."],
        ["в схеме нет такого типа", "Объявите его или напишите с пространством имён."],
    ),
    page(
        "unknown-file",
        [
            "a file that has no place in a bundle",
            "Nobody approves a file that does nothing. docs/bundle.md says what a bundle holds.",
        ],
        [
            "файлу не место в наборе",
            "Никто не согласует файл, который ничего не делает. Что лежит в наборе, см. docs/bundle.md.",
        ],
    ),
    page(
        "unknown-key",
        ["a key that nothing reads", "It may be misspelt; a key without effect would only be believed to have one."],
        ["неизвестный ключ", "Возможно, описка; ключ без действия вводил бы в заблуждение."],
    ),
    page(
        "unknown-word",
        ["a word that is none of those that can stand there", "Take one of the words that are listed."],
        ["недопустимое слово", "Возьмите одно из перечисленных слов."],
    ),
    page(
        "unreadable",
        ["a file that cannot be read as what it should be", "Hold it against the page that describes it."],
        ["файл не читается как положено", "Сверьте его с описанием."],
    ),
    page(
        "unreadable-file",
        ["a file that cannot be read", "Look whether it is there, and whether this user may read it."],
        ["файл нельзя прочитать", "Проверьте, есть ли он и может ли его читать этот пользователь."],
    ),
    page(
        "unreadable-folder",
        ["a folder that cannot be read", "Look whether it is there, and whether this user may read it."],
        ["папку нельзя прочитать", "Проверьте, есть ли она и может ли её читать этот пользователь."],
    ),
    page(
        "until-on-forbid",
        [
            "a forbid that would end by itself",
            "It would open something one night, and nobody would have agreed to it then. Take `@until` out, and the policy itself when its time has come.",
        ],
        [
            "запрет, который закончился бы сам",
            "Однажды ночью он сам что-то открыл бы, и никто бы этого не согласовал. Уберите `@until`, а саму политику — когда придёт время.",
        ],
    ),
    page(
        "world-writable",
        ["a file that everybody may write", "Take the right away: `chmod o-w`."],
        ["файл может изменить кто угодно", "Отнимите право: `chmod o-w`."],
    ),
    page(
        "wrong-type",
        ["a value of another type", "A mapping, a list, text, a number or `true`/`false` was expected here."],
        ["значение другого типа", "Здесь ожидалось другое: отображение, список, строка, число или `true`/`false`."],
    ),
    page(
        "yaml-syntax",
        [
            "text that is no YAML as it is read here",
            "Look at indentation, brackets and quotes here and in the line before. Aliases, merge keys and keys that stand twice are refused.",
        ],
        [
            "это не YAML",
            "Посмотрите на отступы, скобки и кавычки здесь и строкой выше. Псевдонимы, слияния и повторные ключи не принимаются.",
        ],
    ),
];
