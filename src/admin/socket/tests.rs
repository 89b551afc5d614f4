//! The socket with real peers: who is heard, what is answered, what lies in the file system before and after.

use super::*;
use crate::admin::answer::Refusal;
use crate::admin::answer::SocketAnswer;
use crate::admin::client::AskFault;
use crate::admin::client::ask;
use crate::admin::client::ask_listener_of;
use crate::admin::client::owner_of_folder;
use crate::model::Epoch;
use crate::model::Name;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Role;
use crate::model::Stranger;
use crate::pipeline::ActRefusal;
use crate::pipeline::Acted;
use crate::pipeline::RevocationKind;
use crate::pipeline::RevocationOrder;
use parking_lot::Mutex;
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;

const RECEIPT: Receipt = Receipt::new([7; 16]);

/// Notes what is ordered, and answers when it is let.
struct Noting {
    orders: Mutex<Vec<(Act, Actor)>>,
    outcome: Result<Epoch, Reason>,
    begun: Semaphore,
    let_go: Semaphore,
}

impl Noting {
    fn new(outcome: Result<Epoch, Reason>) -> Arc<Self> {
        let (begun, let_go) = (Semaphore::new(0), Semaphore::new(Semaphore::MAX_PERMITS));
        Arc::new(Self { orders: Mutex::default(), outcome, begun, let_go })
    }

    fn held() -> Arc<Self> {
        let noting = Self::new(Ok(Epoch::new(1)));
        noting.let_go.forget_permits(Semaphore::MAX_PERMITS);
        noting
    }
}

impl Acts for Noting {
    async fn act(&self, act: Act, by: Actor) -> ActReply {
        self.begun.add_permits(1);
        self.let_go.acquire().await.unwrap().forget();
        self.orders.lock().push((act, by));
        let outcome = self.outcome.map(Acted::Revoked).map_err(ActRefusal::from);
        ActReply { outcome, receipt: Some(RECEIPT) }
    }
}

fn order() -> Act {
    let tenant = Some(Name::new("north").unwrap());
    Act::Revoke(RevocationOrder { kind: RevocationKind::Device, tenant, value: Stranger::new("phone-7") })
}

fn bind(path: &Path) -> Result<AdminSocket, Diagnostic> {
    AdminSocket::bind(path, Persons::owner())
}

/// This process's own uid.
fn own() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Asks on another thread, as another process would.
async fn asked(path: &Path) -> Result<SocketAnswer, AskFault> {
    let path = path.to_owned();
    let (tell, told) = tokio::sync::oneshot::channel();
    let asking = std::thread::Builder::new().spawn(move || tell.send(ask(&path, &order())).is_ok()).unwrap();
    let answer = told.await.unwrap();
    asking.join().unwrap();
    answer
}

/// Serves `socket` while `test` runs.
async fn serving<T>(socket: AdminSocket, revokes: &Arc<Noting>, acts: Tasks, test: impl Future<Output = T>) -> T {
    tokio::select! {
        ended = socket.serve(Arc::clone(revokes), acts) => panic!("{ended:?}"),
        result = test => result,
    }
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    (folder, path)
}

fn code_of(result: Result<AdminSocket, Diagnostic>) -> &'static str {
    result.err().map_or("bound", |diagnostic| diagnostic.code)
}

#[tokio::test]
async fn an_order_is_carried_out_and_answered() {
    let (_folder, path) = place();
    let noting = Noting::new(Ok(Epoch::new(7)));
    let answer = serving(bind(&path).unwrap(), &noting, Tasks::new(), asked(&path)).await;
    assert_eq!(answer.unwrap(), SocketAnswer::Revoked { epoch: Epoch::new(7), receipt: RECEIPT });
    let orders = noting.orders.lock();
    let [(act, by)] = orders.as_slice() else { panic!("one order came") };
    assert_eq!((act, by.person.as_str(), &*by.roles), (&order(), "owner", &Role::ALL[..]));
}

#[tokio::test]
async fn whoever_is_named_acts_as_that_person_in_those_roles_and_nobody_else_is_heard() {
    let (_folder, path) = place();
    let ivanov = || Name::new("ivanov").unwrap();
    let noting = Noting::new(Ok(Epoch::new(7)));
    let named = Persons::named([(own(), ivanov(), vec![Role::Lifter])]);
    let socket = AdminSocket::bind(&path, named).unwrap();
    assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o7777, 0o666, "the kernel says who knocks");
    assert!(serving(socket, &noting, Tasks::new(), asked(&path)).await.is_ok());
    let by = noting.orders.lock().pop().unwrap().1;
    assert_eq!((by.person.as_str(), &*by.roles, by.door.word()), ("ivanov", &[Role::Lifter][..], "admin-socket"));
    // The owner of the process is heard no more than anybody else who is not named.
    let socket = AdminSocket::bind(&path, Persons::named([(own() + 1, ivanov(), vec![Role::Operator])])).unwrap();
    let answer = serving(socket, &noting, Tasks::new(), asked(&path)).await;
    assert!(matches!(answer, Err(AskFault::Unanswered)));
    assert!(noting.orders.lock().is_empty());
}

#[tokio::test]
async fn an_order_that_could_not_be_recorded_is_answered_as_refused() {
    let (_folder, path) = place();
    let noting = Noting::new(Err(Reason::NotRecordable));
    let answer = serving(bind(&path).unwrap(), &noting, Tasks::new(), asked(&path)).await;
    let refusal = Refusal::Gateway(Reason::NotRecordable);
    assert_eq!(answer.unwrap(), SocketAnswer::Refused { refusal, near: None, receipt: Some(RECEIPT) });
}

#[tokio::test]
async fn a_peer_of_another_uid_is_closed_unheard() {
    let (_folder, path) = place();
    let mut socket = bind(&path).unwrap();
    // A second user cannot be had everywhere; that we are not the owner comes to the same.
    let other = Name::new("other").unwrap();
    socket.persons = Arc::new(Persons::named([(own() + 1, other, Role::ALL.to_vec())]));
    let noting = Noting::new(Ok(Epoch::new(7)));
    let answer = serving(socket, &noting, Tasks::new(), asked(&path)).await;
    assert!(matches!(answer, Err(AskFault::Unanswered)));
    assert!(noting.orders.lock().is_empty());
}

#[tokio::test]
async fn a_line_that_is_no_order_is_answered_by_its_fault() {
    let (_folder, path) = place();
    let socket = bind(&path).unwrap();
    let noting = Noting::new(Ok(Epoch::new(7)));
    serving(socket, &noting, Tasks::new(), async {
        let line = |bytes: usize| format!("{{\"act\":\"{}\"}}\n", "x".repeat(bytes - 11));
        let cases = [
            ("{}\n".to_owned(), "missing-member"),
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), "malformed"),
            ("{}\n{}\n".to_owned(), "malformed"),
            (line(4096), "unknown-act"),
            (line(4097), "too-long"),
        ];
        for (sent, code) in cases {
            let mut stream = UnixStream::connect(&path).await.unwrap();
            stream.write_all(sent.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, format!("{{\"ok\":false,\"error\":\"{code}\"}}\n"));
        }
    })
    .await;
    assert!(noting.orders.lock().is_empty());
}

#[tokio::test]
async fn an_order_outlives_its_peer_and_the_door_and_is_waited_for() {
    let (_folder, path) = place();
    let (noting, acts) = (Noting::held(), Tasks::new());
    serving(bind(&path).unwrap(), &noting, acts.clone(), async {
        let mut stream = UnixStream::connect(&path).await.unwrap();
        stream.write_all(b"{\"act\":\"revoke\",\"kind\":\"token\",\"value\":\"t\"}\n").await.unwrap();
        noting.begun.acquire().await.unwrap().forget();
    })
    .await;
    assert_eq!(acts.running(), 1);
    noting.let_go.add_permits(1);
    acts.idle().await;
    assert_eq!(noting.orders.lock().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_sends_no_whole_line_is_closed_and_not_waited_for() {
    let (_folder, path) = place();
    let (noting, acts) = (Noting::new(Ok(Epoch::new(7))), Tasks::new());
    serving(bind(&path).unwrap(), &noting, acts.clone(), async {
        let mut stream = UnixStream::connect(&path).await.unwrap();
        stream.write_all(b"{\"act\":\"revoke\"").await.unwrap();
        assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)));
    })
    .await;
    assert_eq!(acts.running(), 0);
}

#[tokio::test]
async fn a_connection_past_the_limit_is_closed_at_once() {
    let (_folder, path) = place();
    let noting = Noting::new(Ok(Epoch::new(7)));
    serving(bind(&path).unwrap(), &noting, Tasks::new(), async {
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            silent.push(UnixStream::connect(&path).await.unwrap());
        }
        let mut surplus = UnixStream::connect(&path).await.unwrap();
        assert!(matches!(surplus.read(&mut [0]).await, Ok(0) | Err(_)));
    })
    .await;
}

#[test]
fn the_file_has_mode_0600_and_goes_with_the_socket() {
    let (folder, path) = place();
    let socket = bind(&path).unwrap();
    assert_eq!(socket.path(), path);
    assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o7777, 0o600);
    drop(socket);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "neither socket nor workshop is left");
}

#[test]
fn a_live_socket_is_refused_and_stays() {
    let (_folder, path) = place();
    let first = bind(&path).unwrap();
    assert_eq!(code_of(bind(&path)), "address-in-use");
    assert!(listens(first.path()).unwrap());
}

#[test]
fn a_stale_socket_is_replaced_also_by_one_that_died_while_binding() {
    let (folder, path) = place();
    drop(UnixListener::bind(&path).unwrap());
    fs::create_dir(folder.path().join(WORKSHOP)).unwrap();
    drop(UnixListener::bind(folder.path().join(WORKSHOP).join("s")).unwrap());
    assert!(!listens(&path).unwrap());
    let socket = bind(&path).unwrap();
    assert!(listens(socket.path()).unwrap());
}

#[test]
fn what_is_not_a_socket_is_left_alone() {
    let (folder, path) = place();
    fs::write(&path, "precious").unwrap();
    assert_eq!(code_of(bind(&path)), "admin-socket-path");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    let link = folder.path().join("link.sock");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(code_of(bind(&link)), "admin-socket-path");
    assert_eq!(code_of(bind(&folder.path().join("absent/admin.sock"))), "admin-socket-path");
}

#[test]
fn a_directory_in_which_others_may_exchange_files_is_refused() {
    for (mode, code) in [
        (0o700, "bound"),
        (0o755, "bound"),
        (0o1777, "bound"),
        (0o770, "unsafe-directory"),
        (0o707, "unsafe-directory"),
    ] {
        let (folder, path) = place();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(code_of(bind(&path)), code, "{mode:04o}");
    }
}

#[test]
fn of_two_that_start_at_once_one_is_told_of_the_other() {
    let (folder, path) = place();
    let first = lock(folder.path()).unwrap();
    assert_eq!(code_of(bind(&path)), "address-in-use");
    drop(first);
    assert_eq!(code_of(bind(&path)), "bound");
}

#[test]
fn a_socket_that_took_the_path_since_is_not_removed() {
    let (_folder, path) = place();
    let first = bind(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let second = bind(&path).unwrap();
    drop(first);
    assert!(listens(second.path()).unwrap());
}

#[test]
fn where_no_gateway_listens_nothing_is_ordered() {
    let (_folder, path) = place();
    assert!(matches!(ask(&path, &order()), Err(AskFault::NotReached(_))));
}

#[test]
fn a_listener_of_another_uid_is_told_nothing() {
    let (_folder, path) = place();
    let socket = bind(&path).unwrap();
    let (us, other) = (own(), Some(own() + 1));
    assert!(matches!(ask_listener_of(&[other, None], &path, &order()), Err(AskFault::NotOurs(uid)) if uid == us));
    let (mut stream, _) = socket.listener.accept().unwrap();
    assert_eq!(io::Read::read(&mut stream, &mut [0]).unwrap(), 0);
}

#[test]
fn the_owner_of_a_folder_is_trusted_with_its_socket_as_long_as_nobody_else_may_write_there() {
    for (mode, owner) in [(0o700, Some(own())), (0o755, Some(own())), (0o770, None), (0o757, None), (0o1777, None)] {
        let (folder, path) = place();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(owner_of_folder(&path), owner, "{mode:04o}");
    }
    assert_eq!(owner_of_folder(Path::new("/absent/admin.sock")), None);
}
