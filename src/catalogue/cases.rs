//! What is wrong with the test cases of a bundle.

use crate::catalogue::page::Page;
use crate::catalogue::page::page;

/// By code, sorted.
pub(super) const PAGES: &[Page] = &[
    page(
        "base-circle",
        ["a case that extends itself", "By way of its bases it comes back to itself."],
        ["случай расширяет сам себя", "Через основы он возвращается к себе."],
    ),
    page(
        "case-fails",
        [
            "a case that comes out otherwise than it expects",
            "What tests do not show is not measured. `portcullis test` tells each difference.",
        ],
        [
            "случай даёт не то, что ожидает",
            "Пока тесты не проходят, их нечем измерять. `portcullis test` покажет каждое отличие.",
        ],
    ),
    page(
        "case-not-played",
        ["a case that cannot be played", "The message says which part of it means nothing to the bundle."],
        ["случай нельзя разыграть", "Сообщение говорит, какая его часть ничего не значит для пакета."],
    ),
    page(
        "empty-matrix",
        ["a matrix without a row", "Without values there is no case: fill it, or take it out."],
        ["матрица без строк", "Без значений случая нет: заполните или уберите."],
    ),
    page(
        "no-cases",
        ["no case to play", "Cases stand in `tests/*.yaml`; `--filter` takes part of a name."],
        ["нет случаев для проверки", "Случаи лежат в `tests/*.yaml`; `--filter` принимает часть имени."],
    ),
    page(
        "no-stage",
        ["cases cannot be played here", "Keys or threads could not be made; see the message."],
        ["случаи здесь не разыграть", "Не создать ключи или потоки; см. сообщение."],
    ),
    page(
        "not-a-header",
        ["a name or value that no header has", "See RFC 9110 §5."],
        ["такого заголовка не бывает", "См. RFC 9110 §5."],
    ),
    page("not-a-method", ["a method that is none", "For instance `POST`."], ["неверный метод", "Например `POST`."]),
    page("not-a-number", ["a number that is none", "Write digits."], ["это не число", "Напишите цифры."]),
    page(
        "not-a-pseudonym",
        ["a pseudonym of nothing", "Write `{pseudonym: {user: resident-ivanov}}`."],
        ["псевдоним неизвестно чего", "Напишите `{pseudonym: {user: resident-ivanov}}`."],
    ),
    page(
        "not-a-time-span",
        ["a time that is none", "A number and a unit, for instance `10s`."],
        ["неверная длительность", "Число и единица, например `10s`."],
    ),
    page(
        "not-hours",
        ["hours that are none", "Days from 1 (Monday) to 7, and two times of a clock: `08:00` until `20:00`."],
        ["это не часы недели", "Дни от 1 (понедельник) до 7 и два времени: с `08:00` до `20:00`."],
    ),
    page(
        "not-one-thing",
        ["two things where one stands", "A case asks for one thing: an operation, a request or an event."],
        ["сразу несколько запросов", "Случай просит одного: операцию, запрос или событие."],
    ),
    page(
        "too-many-cases",
        ["too many cases", "Make matrices smaller."],
        ["слишком много случаев", "Сократите матрицы."],
    ),
    page(
        "unknown-base",
        ["a base that there is not", "Perhaps a slip of the pen."],
        ["такой основы нет", "Возможно, описка."],
    ),
    page(
        "unknown-case",
        ["a case that is not there", "Write the name as it stands in `tests/*.yaml`."],
        ["такого случая нет", "Напишите имя так, как оно стоит в `tests/*.yaml`."],
    ),
    page(
        "unknown-event",
        ["an event that no contract declares", "Perhaps a slip of the pen."],
        ["такого события нет в контрактах", "Возможно, описка."],
    ),
    page(
        "unknown-operation",
        ["an operation that no contract declares", "Perhaps a slip of the pen."],
        ["такой операции нет в контрактах", "Возможно, описка."],
    ),
    page(
        "unknown-partner",
        ["a partner without a contract", "Perhaps a slip of the pen."],
        ["у такого партнёра нет контракта", "Возможно, описка."],
    ),
    page(
        "unknown-policy",
        ["a policy that there is not", "Name it by its `@id`."],
        ["такой политики нет", "Назовите её по `@id`."],
    ),
    page(
        "unknown-reason",
        ["a reason that there is not", "docs/errors.md lists them."],
        ["такой причины нет", "Список в docs/errors.md."],
    ),
    page(
        "unknown-value",
        ["a value of a matrix that there is not", "Name it in `matrix`, or correct it."],
        ["такого значения нет в матрице", "Назовите его в `matrix` или исправьте."],
    ),
    page(
        "unused-value",
        ["a value of a matrix that nobody uses", "Use it, or take it out."],
        ["значение матрицы не используется", "Используйте его или уберите."],
    ),
];
