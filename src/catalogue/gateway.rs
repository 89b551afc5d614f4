//! What is wrong with a configuration, the files that it names, the directory, or a command.

use crate::catalogue::page::Page;
use crate::catalogue::page::page;

/// By code, sorted.
pub(super) const PAGES: &[Page] = &[
    page(
        "address-in-use",
        ["an address that somebody listens on", "Another process has it; `ss -ltnp` tells which."],
        ["адрес занят", "Его держит другой процесс; какой, скажет `ss -ltnp`."],
    ),
    page(
        "address-not-bound",
        [
            "an address that cannot be had",
            "It is none of this machine's, or not ours to take; `ip address` lists those that are.",
        ],
        ["адрес недоступен", "Его нет у этой машины или нет прав; список даёт `ip address`."],
    ),
    page(
        "admin-socket",
        ["an admin socket that cannot be made", "See the message; the folder must be the service's own."],
        ["сокет управления не создан", "См. сообщение; папка должна принадлежать службе."],
    ),
    page(
        "admin-socket-path",
        ["an admin socket whose path is too long", "A path of a socket has at most 107 bytes."],
        ["путь сокета слишком длинный", "В пути сокета не больше 107 байт."],
    ),
    page(
        "answer-too-long",
        ["an answer longer than any of a gateway's", "Something else listens there; name OLD as a folder."],
        ["ответ длиннее любого ответа шлюза", "Там слушает что-то другое; назовите OLD папкой."],
    ),
    page(
        "archive-in-log",
        ["an archive within the log", "Name a folder of its own, best on another volume."],
        ["архив лежит в самом журнале", "Укажите отдельную папку, лучше на другом томе."],
    ),
    page(
        "audit-log",
        [
            "an audit log that cannot be read",
            "Name its folder with `--audit`; in a damaged log the record may stand behind the damage.",
        ],
        [
            "журнал аудита не прочитать",
            "Назовите его папку в `--audit`; в повреждённом журнале запись может стоять за повреждением.",
        ],
    ),
    page(
        "authority-of-both",
        [
            "one authority for both doors",
            "Who is a backend must not be taken for a partner: give each listener a client CA of its own.",
        ],
        [
            "один удостоверяющий центр на обе двери",
            "Сервер застройщика нельзя спутать с партнёром: дайте каждому слушателю свой центр.",
        ],
    ),
    page(
        "backup",
        ["a backup that cannot be read", "See the message; take another backup."],
        ["резервная копия не читается", "См. сообщение; возьмите другую копию."],
    ),
    page(
        "bundle-differs",
        ["files that are not those of the bundle in force", "This program and the gateway are of different versions."],
        ["файлы не от действующего набора", "Версии этой программы и шлюза разные."],
    ),
    page(
        "cannot-start",
        ["a program that cannot be set up", "See the message."],
        ["программа не запускается", "См. сообщение."],
    ),
    page(
        "certificate-names",
        ["a certificate for other names", "It must name every authority of its listener."],
        ["сертификат на другие имена", "Он должен называть все имена своего слушателя."],
    ),
    page(
        "certificate-purpose",
        ["a certificate for another purpose", "Listeners need *serverAuth*, clients *clientAuth*."],
        ["сертификат для другой цели", "Слушателю нужен *serverAuth*, клиенту *clientAuth*."],
    ),
    page(
        "copy",
        ["a copy that cannot be made or read", "See the message."],
        ["копию не сделать или не прочитать", "См. сообщение."],
    ),
    page(
        "copy-changed",
        ["a copy that is not as it was made", "Its digest is another: take another backup."],
        ["копия изменилась", "Её хеш другой: возьмите другую копию."],
    ),
    page(
        "cursor-of-another-log",
        [
            "a cursor that does not fit the log",
            "It was made with another log, or this one is an older copy or was changed. Nothing was exported: name the log \
             that it was made with, or another file for `--cursor`, which begins at the oldest record.",
        ],
        [
            "курсор не подходит к журналу",
            "Он сделан по другому журналу, либо этот - более старая копия или изменён. Ничего не выгружено: назовите тот \
             журнал или другой файл в `--cursor`, и выгрузка начнётся с самой старой записи.",
        ],
    ),
    page("demo", ["a demo that cannot run", "See the message."], ["демонстрация не идёт", "См. сообщение."]),
    page(
        "destination",
        ["a destination that cannot be made", "Name a folder that can be made."],
        ["место назначения не создать", "Назовите папку, которую можно создать."],
    ),
    page(
        "destination-exists",
        ["a destination that is there already", "Nothing is overwritten; name another folder."],
        ["место назначения уже есть", "Ничего не перезаписывается; назовите другую папку."],
    ),
    page(
        "development-certificate",
        [
            "a certificate for development, elsewhere",
            "Its authority's key lies on somebody's machine, and whoever has that key is everybody whom it certifies. Name certificates of an authority that is kept, or have `environment: development`.",
        ],
        [
            "сертификат для разработки в другой среде",
            "Ключ его центра лежит на чьей-то машине, и у кого он есть, тот может выдать себя за любого. Нужны сертификаты настоящего центра, иначе `environment: development`.",
        ],
    ),
    page(
        "directory",
        ["a directory that cannot be read", "See the message."],
        ["справочник не читается", "См. сообщение."],
    ),
    page(
        "empty-mapping",
        ["a mapping that needs an entry", "Without one there is nothing to do."],
        ["пустое отображение", "Без записей делать нечего."],
    ),
    page(
        "group-writable-key",
        ["a key that its group may write", "Take the right away: `chmod g-w`."],
        ["ключ может изменить группа", "Отнимите право: `chmod g-w`."],
    ),
    page(
        "handed-over",
        ["an address that only the supervisor knows", "Name it: `--ops <address>`."],
        ["адрес знает только супервизор", "Назовите его: `--ops <адрес>`."],
    ),
    page("house", ["a house that is not right", "See the message."], ["дом описан неверно", "См. сообщение."]),
    page(
        "issuer-elsewhere",
        [
            "an issuer of session tokens that is not the gateway",
            "Whoever knows the issuer alone looks for its keys there (RFC 8414 §3): take `public_url`, or a path below it.",
        ],
        [
            "издатель токенов сессий — не этот шлюз",
            "Зная одного издателя, ключи ищут у него (RFC 8414 §3): укажите `public_url` или путь под ним.",
        ],
    ),
    page(
        "key-of-nobody",
        [
            "a private key whose public half no issuer publishes",
            "Name the key that belongs to a key set under `issuers`, or publish its public half there.",
        ],
        [
            "закрытый ключ, открытой половины которого нет ни у одного издателя",
            "Назовите ключ, который соответствует набору ключей в `issuers`, или добавьте туда его открытую половину.",
        ],
    ),
    page(
        "key-used-twice",
        ["one key for two purposes", "A key serves one purpose; make another."],
        ["один ключ для двух целей", "Ключ служит одной цели; создайте другой."],
    ),
    page("log", ["a log that cannot be set up", "See the message."], ["журнал не настроен", "См. сообщение."]),
    page(
        "log-changed",
        [
            "an audit log that is not the one that was attested",
            "Its newest checkpoint, or the next segment, is of other records than those that stand there: somebody changed, \
             exchanged or took out some. Keep it for whoever investigates.",
        ],
        [
            "журнал аудита не тот, что был заверен",
            "Последняя контрольная точка или следующий сегмент относятся к другим записям: какие-то изменили, подменили или \
             изъяли. Сохраните его для расследования.",
        ],
    ),
    page(
        "log-of-another",
        [
            "an audit log with another name or key",
            "`audit.origin` and `audit.checkpoint_key` are the log's for good. Another name or key takes another log.",
        ],
        [
            "журнал аудита с другим именем или ключом",
            "`audit.origin` и `audit.checkpoint_key` у журнала навсегда. Другое имя или ключ — другой журнал.",
        ],
    ),
    page(
        "log-of-another-version",
        [
            "an audit log whose records are of another version",
            "Keep its directory, with the release that wrote it: that one shows and verifies it. Begin another log in an empty one.",
        ],
        [
            "записи журнала аудита другой версии",
            "Сохраните каталог и выпуск, который его писал: он его покажет и проверит. Начните новый журнал в пустом каталоге.",
        ],
    ),
    page(
        "log-older-than-store",
        ["a log that has forgotten what the store has seen", "Bring the newest copy of the log back; see the runbook."],
        ["журнал забыл то, что видело хранилище", "Верните самую новую копию журнала; см. runbook."],
    ),
    page(
        "log-shortened",
        [
            "an audit log that ends before what was attested",
            "Its checkpoint vouches for more records than are there, or is gone itself. Bring the whole directory back.",
        ],
        [
            "журнал аудита кончается раньше заверенного",
            "Контрольная точка заверяет больше записей, чем есть, или её самой нет. Верните каталог целиком.",
        ],
    ),
    page(
        "malformed-address",
        ["an address that is none", "`host:port` with an IP address, or `systemd:NAME`."],
        ["неверный адрес", "`host:port` с IP-адресом или `systemd:NAME`."],
    ),
    page(
        "malformed-certificate",
        ["a file that holds no certificate", "PEM, `-----BEGIN CERTIFICATE-----`."],
        ["в файле нет сертификата", "Нужен PEM: `-----BEGIN CERTIFICATE-----`."],
    ),
    page(
        "malformed-checkpoint",
        ["a checkpoint of the log that is none", "It is replaced as a whole, so no crash leaves half of one."],
        ["контрольная точка журнала испорчена", "Она заменяется целиком, сбой не оставляет половины."],
    ),
    page(
        "malformed-claim-path",
        ["a claim that cannot be mapped", "Name where this issuer's tokens have it: `org.tenant`, or a list of names."],
        ["утверждение токена не сопоставить", "Укажите, где оно у этого издателя: `org.tenant` или список имён."],
    ),
    page(
        "malformed-credential",
        ["a credential that has no name", "`credential:NAME`, as the unit says in `LoadCredential=`."],
        ["неверное имя учётных данных", "`credential:NAME`, как в `LoadCredential=`."],
    ),
    page(
        "malformed-crl",
        ["a file that holds no revocation list", "PEM, `-----BEGIN X509 CRL-----`."],
        ["в файле нет списка отзыва", "Нужен PEM: `-----BEGIN X509 CRL-----`."],
    ),
    page(
        "malformed-duration",
        ["a time that is none", "A number and a unit, for instance `30s`."],
        ["неверная длительность", "Число и единица, например `30s`."],
    ),
    page(
        "malformed-endpoint",
        ["an endpoint that is none", "`https://host/path`, without anything else."],
        ["неверный адрес приёмника", "`https://host/path` и больше ничего."],
    ),
    page(
        "malformed-headers",
        [
            "header fields that are none",
            "One `Name: value` on each line, at most 16, and none that frames the message: `Authorization: Bearer ...`.",
        ],
        [
            "в файле не поля заголовка",
            "По одному `Имя: значение` в строке, не больше 16, без обрамляющих сообщение: `Authorization: Bearer ...`.",
        ],
    ),
    page(
        "malformed-host-name",
        ["a host name that is none", "Letters, digits and hyphens between dots."],
        ["неверное имя хоста", "Буквы, цифры и дефисы между точками."],
    ),
    page(
        "malformed-key",
        ["a file that holds no key of the kind", "See the message for which kind it must be."],
        ["в файле нет нужного ключа", "Какой нужен, см. в сообщении."],
    ),
    page(
        "malformed-key-set",
        ["a file that holds no key set", "JSON Web Keys (RFC 7517), public ones, each with `kid`."],
        ["в файле нет набора ключей", "JSON Web Key Set (RFC 7517), открытые ключи, у каждого `kid`."],
    ),
    page(
        "malformed-limit",
        ["a limit that is no such number", "A whole number with the limit's unit."],
        ["неверный предел", "Целое число с единицей этого предела."],
    ),
    page(
        "malformed-origin",
        [
            "a name that no log may have",
            "`audit.origin` is like a URL without its scheme: letters, digits and `.`, `-`, `_`, `~`, `:`, `/`, at most 128.",
        ],
        [
            "неверное имя журнала",
            "`audit.origin` похоже на URL без схемы: буквы, цифры и `.`, `-`, `_`, `~`, `:`, `/`, не больше 128.",
        ],
    ),
    page("malformed-path", ["a path that is none", "It begins with `/`."], ["неверный путь", "Он начинается с `/`."]),
    page(
        "malformed-peer-name",
        ["a name that no certificate has", "A DNS name or URI, as in the certificate."],
        ["такого имени в сертификате не бывает", "Имя DNS или URI, как в сертификате."],
    ),
    page(
        "malformed-public-url",
        [
            "no public URL",
            "It is an https origin: scheme, host and perhaps a port, without a path. Apps sign for it and the path of what they ask.",
        ],
        [
            "не публичный адрес",
            "Это источник https: схема, узел и, возможно, порт, без пути. Приложения подписывают его вместе с путём запроса.",
        ],
    ),
    page(
        "malformed-upstream",
        ["an upstream that is none", "`https://host[:port]`, without a path."],
        ["неверный адрес партнёра", "`https://host[:port]`, без пути."],
    ),
    page(
        "no-checkpoint",
        [
            "a log without a checkpoint that holds",
            "Nothing is exported that is not signed: name the folder of a log, or wait until its gateway has run. What is \
             wrong with a checkpoint, `portcullis audit verify` tells.",
        ],
        [
            "нет годной контрольной точки журнала",
            "Без подписи ничего не выгружается: назовите папку журнала или подождите, пока поработает шлюз. Что не так с \
             контрольной точкой, скажет `portcullis audit verify`.",
        ],
    ),
    page(
        "no-contract",
        ["a partner without a contract", "Add it to the bundle, or take the partner out."],
        ["у партнёра нет контракта", "Добавьте контракт в набор или уберите партнёра."],
    ),
    page(
        "no-development-authority",
        [
            "an authority that issues nothing here",
            "Only `portcullis certs init` makes authorities that `portcullis certs` issues and revokes by: marked, with their key beside them, in their time.",
        ],
        [
            "этот центр здесь ничего не выпускает",
            "`portcullis certs` выпускает и отзывает только от центров, сделанных `portcullis certs init`: с пометкой, со своим ключом рядом и пока не истёк срок.",
        ],
    ),
    page(
        "no-gateway",
        ["no gateway that could be asked", "Name its configuration or socket."],
        ["не указан шлюз", "Назовите его конфигурацию или сокет."],
    ),
    page(
        "no-log-key",
        [
            "what should be the public key of a log, and is none",
            "It is the one line of `log.vkey`; take it from where nobody who can change the log can change it.",
        ],
        [
            "это не открытый ключ журнала",
            "Ключ - одна строка из `log.vkey`; возьмите её там, где её не изменит тот, кто может изменить журнал.",
        ],
    ),
    page(
        "no-person",
        [
            "nobody who could have a handle",
            "A person, a device or a car is named by the issuer of its tokens and by an identifier, each of 1 to 256 bytes without control characters. The identifier is the only line of the file.",
        ],
        [
            "никого, у кого мог бы быть псевдоним в журнале",
            "Человек, устройство или автомобиль назван издателем токенов и идентификатором, каждый от 1 до 256 байт без управляющих символов. Идентификатор — единственная строка файла.",
        ],
    ),
    page(
        "no-proof-made",
        [
            "a log that gives no proof",
            "See the message; `portcullis audit verify` tells what is wrong with a log, and where.",
        ],
        [
            "журнал не даёт доказательства",
            "См. сообщение; что не так с журналом и где, скажет `portcullis audit verify`.",
        ],
    ),
    page(
        "no-room-for-one",
        ["memory in which not one request fits", "Raise `bytes_in_flight_max`, or lower what one request may take."],
        ["не помещается ни один запрос", "Увеличьте `bytes_in_flight_max` или уменьшите размер одного запроса."],
    ),
    page("no-runtime", ["threads that cannot be made", "See the message."], ["потоки не создать", "См. сообщение."]),
    page(
        "not-a-file",
        ["something that is no file", "Name a regular file."],
        ["это не файл", "Назовите обычный файл."],
    ),
    page("not-a-folder", ["something that is no folder", "Name a folder."], ["это не папка", "Назовите папку."]),
    page(
        "not-an-instant",
        ["an instant that is none", "`2026-11-24T03:00:00Z`."],
        ["неверный момент времени", "Например `2026-11-24T03:00:00Z`."],
    ),
    page(
        "not-empty",
        ["a folder that holds something", "Nothing is overwritten: name one that is not there yet."],
        ["папка не пуста", "Ничего не перезаписывается: назовите папку, которой ещё нет."],
    ),
    page(
        "not-in-development",
        [
            "something for development in another environment",
            "Elsewhere tokens come from the identity provider. To try something, use a configuration with `environment: \
             development`.",
        ],
        [
            "возможность для разработки в другом окружении",
            "Там токены выдаёт сервис входа. Чтобы попробовать, возьмите конфигурацию с `environment: development`.",
        ],
    ),
    page(
        "not-in-lines",
        [
            "a contract whose `paths` are not written in lines",
            "Write one key on each line, or add the operation by hand.",
        ],
        ["`paths` контракта записаны не построчно", "Пишите по ключу на строке или добавьте операцию вручную."],
    ),
    page(
        "not-ours",
        ["an answer that is no gateway's", "Something else listens there, or another version."],
        ["ответил не шлюз", "Там слушает что-то другое или другая версия."],
    ),
    page(
        "not-reached",
        ["a gateway that does not answer", "Is it running, and is this its address?"],
        ["шлюз не отвечает", "Работает ли он и его ли это адрес?"],
    ),
    page(
        "not-stored-yet",
        ["a revocation that is not stored yet", "Do it again; if that lasts, `portcullis status` says why."],
        ["отзыв ещё не сохранён", "Повторите; если не проходит, причину скажет `portcullis status`."],
    ),
    page(
        "not-taken",
        [
            "a batch that the server did not take",
            "Nothing is lost: it is sent again, with `--follow` at once, else by the next run with the same `--cursor`. See \
             the message, and the server's own log.",
        ],
        [
            "сервер не принял пакет записей",
            "Ничего не потеряно: пакет уйдёт снова, с `--follow` сам, иначе при следующем запуске с тем же `--cursor`. См. \
             сообщение и журнал сервера.",
        ],
    ),
    page(
        "not-written",
        ["a file that cannot be written", "Look at the folder's rights and the disk."],
        ["файл не записать", "Проверьте права папки и диск."],
    ),
    page(
        "nothing-asked",
        ["a question without content", "Name an action and a thing, or `--role`."],
        ["вопрос ни о чём", "Назовите действие и объект или `--role`."],
    ),
    page(
        "older-than-revocations",
        ["a backup from before a revocation", "Restore a later one, or `--complete`."],
        ["копия старше отзыва", "Восстановите более позднюю или используйте `--complete`."],
    ),
    page(
        "receipt-unknown",
        [
            "a receipt that is not in the log",
            "Look at the folder, and at the digits; the record may have gone to an archive.",
        ],
        ["такой квитанции в журнале нет", "Проверьте папку и цифры; запись могла уйти в архив."],
    ),
    page(
        "resource-unknown",
        ["a thing that the directory does not know", "Write house and thing as the directory has them."],
        ["справочник не знает этого объекта", "Назовите дом и объект так, как они стоят в справочнике."],
    ),
    page(
        "socket-not-asked-for",
        ["a socket that nobody asked for", "Write `address: systemd:NAME`, or stop the socket unit."],
        ["лишний сокет", "Напишите `address: systemd:NAME` или остановите socket-юнит."],
    ),
    page(
        "socket-not-inherited",
        ["a socket that was not handed over", "The socket unit must run, and name it so."],
        ["сокет не передан", "Socket-юнит должен работать и называть его так."],
    ),
    page("store", ["a store that cannot be used", "See the message."], ["хранилище недоступно", "См. сообщение."]),
    page(
        "store-exists",
        ["a store that is there already", "`--force` replaces it, and keeps it beside."],
        ["хранилище уже есть", "`--force` заменит его и сохранит рядом."],
    ),
    page(
        "store-older-than-log",
        ["a store that has forgotten what the log knows", "`portcullis store reconcile` replays it; see the runbook."],
        ["хранилище забыло то, что знает журнал", "`portcullis store reconcile` восстановит из журнала; см. runbook."],
    ),
    page(
        "subjects-not-apart",
        [
            "two sign-in issuers whose `sub` may be two persons",
            "Sessions know a person by `sub` alone. Exchange tokens of one issuer, or state `sessions: {subjects: shared}`.",
        ],
        [
            "два издателя, чьи `sub` могут означать разных людей",
            "Сеанс знает человека только по `sub`. Обменивайте токены одного издателя или укажите `sessions: {subjects: shared}`.",
        ],
    ),
    page("tenant", ["a tenant that is not right", "See the message."], ["арендатор описан неверно", "См. сообщение."]),
    page(
        "text-out-of-bounds",
        ["a text that is empty or too long", "1 to 512 bytes, no control characters."],
        ["строка пуста или слишком длинна", "От 1 до 512 байт без управляющих знаков."],
    ),
    page(
        "too-few-descriptors",
        ["too few file descriptors", "Raise the hard limit; the message says to what."],
        ["мало файловых дескрипторов", "Поднимите жёсткий предел; до какого, см. сообщение."],
    ),
    page(
        "two-destinations",
        ["a destination that is two things", "Make it two, each with a name of its own."],
        ["одно назначение двух видов", "Сделайте два, каждому своё имя."],
    ),
    page(
        "two-introspections",
        ["two issuers that are asked about tokens", "Keep one; verify the tokens of the other by `jwks`."],
        ["об опаковых токенах спрашивают двух издателей", "Оставьте одного; токены другого проверяйте по `jwks`."],
    ),
    page(
        "two-key-sources",
        ["keys that come from more than one place", "Keep one of `file`, `url` and `discovery`, or `introspection`."],
        ["ключи из нескольких мест", "Оставьте одно из `file`, `url` и `discovery`, либо `introspection`."],
    ),
    page(
        "unanswered",
        ["a gateway that gave no answer", "Look whether it was done before doing it again."],
        ["шлюз не дал ответа", "Прежде чем повторять, проверьте, сделано ли."],
    ),
    page(
        "unknown-code",
        ["a code that there is not", "`portcullis check --explain` lists all."],
        ["такого кода нет", "Все перечислит `portcullis check --explain`."],
    ),
    page(
        "unknown-revocation",
        ["a revocation of an unknown kind", "The log is of a later version."],
        ["отзыв неизвестного вида", "Журнал от более поздней версии."],
    ),
    page(
        "unknown-tenant",
        ["a house of an unknown tenant", "Declare the tenant, or correct the house."],
        ["неизвестный арендатор дома", "Объявите арендатора или исправьте дом."],
    ),
    page(
        "unknown-zone",
        ["a time zone that there is not", "An IANA name, for instance `Europe/Moscow`."],
        ["такого часового пояса нет", "Имя IANA, например `Europe/Moscow`."],
    ),
    page(
        "unreadable-input",
        ["an input that cannot be read", "See the message."],
        ["ввод не читается", "См. сообщение."],
    ),
    page(
        "unreadable-key",
        ["a key that cannot be read", "Look whether this user may read it."],
        ["ключ не прочитать", "Проверьте, может ли его читать этот пользователь."],
    ),
    page(
        "unsafe-directory",
        ["a folder that others may write", "Take the right to write from others."],
        ["в папку могут писать другие", "Отнимите у других право записи."],
    ),
    page(
        "unusable",
        ["something that is there and cannot be used", "See the message."],
        ["есть, но не годится", "См. сообщение."],
    ),
    page(
        "unwritable-file",
        ["a file that cannot be written", "Name a file in a folder that is there."],
        ["файл не записать", "Назовите файл в существующей папке."],
    ),
    page(
        "without-effect",
        ["a key that has no effect here", "Take it out: it would only be believed to have one."],
        ["ключ здесь ничего не делает", "Уберите: он вводил бы в заблуждение."],
    ),
    page(
        "world-accessible-key",
        ["a key that everybody may read or write", "`chmod 600`, and make a new one: this one is known."],
        ["ключ доступен всем", "`chmod 600` и новый ключ: этот уже известен."],
    ),
];
