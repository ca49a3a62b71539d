//! The rows of the catalogue, by section, and the tests that are not cases of the corpus.

/// A class of bad input.
pub struct Row {
    pub name: &'static str,
    /// Tests elsewhere that try it.
    pub tests: &'static [&'static str],
}

const fn row(name: &'static str) -> Row {
    Row { name, tests: &[] }
}

const fn tested(name: &'static str, tests: &'static [&'static str]) -> Row {
    Row { name, tests }
}

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    // Structure of the archive.
    row("A duplicate entries"),
    row("A local and central headers"),
    row("A framing"),
    row("A end record"),
    row("A ZIP64"),
    row("A descriptors"),
    row("A name encodings"),
    row("A flags and methods"),
    row("A overlap and bombs"),
    row("A not a wheel"),
    // Paths.
    row("B traversal"),
    row("B absolute"),
    row("B Windows"),
    row("B links"),
    tested("B collisions", &["a_name_that_the_file_system_has_already_is_refused"]),
    row("B length"),
    // Identity and RECORD.
    row("C dist-info"),
    row("C METADATA and WHEEL"),
    tested("C tags", &["tags_that_differ_are_told"]),
    row("C RECORD"),
    tested("C RECORD as a weapon", &["a_forged_record_takes_nothing_along", "a_hostile_record_takes_nothing_of_others_along"]),
    // Schemes and environment.
    row("D scheme keys"),
    row("D foreign data"),
    row("D interpreter and configuration"),
    row("D back doors"),
    row("D conflicts"),
    tested("D start-up code", &["what_installed_path_files_import_is_nobody_elses_to_bring"]),
    row("D start-up code of other programs"),
    row("D names of programs"),
    row("D libraries of the interpreter"),
    row("D namespaces in machine code"),
    tested("D modules before the standard library", &["what_stands_before_the_standard_library_is_start_up_code"]),
    row("D files of the installer"),
    // Entry points.
    row("E names"),
    row("E values"),
    row("E file"),
    tested("E launcher", &["a_path_too_long_for_an_environment_is_told_as_such"]),
    // Answers of an index.
    tested("F no hash or a weak one", &["a_hash_that_no_index_gives_is_computed_and_noted"]),
    tested("F content changed after the lock", &["a_changed_byte_in_a_wheel_is_an_alarm", "a_refused_file_leaves_nothing_in_the_cache"]),
    tested("F resumed with a changed file", &["a_cut_download_is_truncated_and_not_an_alarm", "damage_differs_each_time_and_other_content_stays", "what_is_odd_about_the_rest_starts_the_download_anew", "a_file_that_has_changed_meanwhile_is_not_patched_together"]),
    tested("F metadata is not the wheel's", &["advertised_metadata_is_read_and_its_hash_checked", "metadata_of_another_project_is_refused"]),
    tested("F ranges that lie", &["parts_of_another_wheel_are_found_out_by_the_wheel_itself"]),
    tested("F redirects", &["redirects_lead_to_http_only", "a_wheel_that_goes_wrong_on_the_way_changes_nothing"]),
    tested("F credentials across redirects", &["a_password_stays_with_its_origin", "a_redirect_cannot_make_use_of_anothers_password"]),
    tested("F credentials in what is written", &["a_problem_shows_no_password", "problems_name_the_wheel_and_never_a_password", "an_index_password_is_nowhere_whatever_the_server_does", "every_place_for_an_address_keeps_its_password", "files_and_addresses_keep_their_passwords", "configurations_keep_their_passwords", "proxies_and_netrc_keep_their_passwords", "a_keyring_keeps_its_password", "what_configures_pip_is_shown_without_passwords"]),
    tested("F file host", &["relative_addresses_start_where_the_answer_came_from"]),
    tested("F another project's file", &["metadata_of_another_project_is_refused"]),
    tested("F name in the answer", &["a_page_is_refused_that_is_not_what_it_says"]),
    tested("F paths in addresses", &["names_of_wheels_agree_with_their_package"]),
    tested("F content type", &["a_page_is_refused_that_is_not_what_it_says", "a_page_that_goes_wrong_locks_nothing"]),
    tested("F oversize and slow bodies", &["an_oversize_page_is_refused_by_its_length", "no_more_than_the_locked_size_is_read", "how_much_of_an_answer_is_read_is_limited", "an_answer_that_drips_is_given_up"]),
    tested("F encoding bombs", &["a_page_may_be_gzipped_but_not_a_bomb", "an_encoding_that_was_not_asked_for_is_refused", "pages_and_metadata_are_limited_as_they_come_and_as_they_are_decoded", "a_bomb_behind_a_redirect_is_not_read"]),
    tested("F truncated bodies", &["a_truncated_download_is_no_alarm", "chunks_that_end_early_are_a_cut_download", "a_reset_is_told", "a_dropped_connection_is_tried_again"]),
    tested("F deep or doubled JSON", &["what_breaks_the_specification_is_refused", "depth_in_unknown_keys_does_not_exhaust_the_stack"]),
    tested("F yanked and quarantined", &["quarantined_projects_have_no_candidates"]),
    tested("F dependency confusion", &["two_indexes_with_different_files_conflict"]),
    tested("F caching", &["a_poisoned_store_is_not_believed", "a_damaged_entry_is_a_miss", "whatever_stands_for_a_fact_is_learned_again", "a_cache_that_others_can_write_is_not_used"]),
    tested("F header injection", &["headers_that_are_no_text_do_not_matter", "what_an_index_says_is_neutralised"]),
    // Locks.
    row("G tampered"),
    row("G without packages"),
    row("G hashes"),
    row("G artifact missing"),
    row("G addresses"),
    row("G paths and names"),
    row("G three names"),
    row("G size"),
    row("G numbers, depth, encoding"),
    row("G VCS and directories"),
    row("G injected requirements"),
    // Environment and concurrency.
    tested("H hostile installed RECORD", &["a_forged_record_takes_nothing_along", "a_hostile_record_takes_nothing_of_others_along"]),
    tested("H links on the way", &["a_directory_that_leads_out_is_refused"]),
    tested("H links at the end", &["links_at_a_destination_are_replaced_and_their_targets_are_untouched"]),
    tested("H store changed after the check", &["promise_1_a_cache_is_hashed_again_every_time", "whatever_stands_for_a_wheel_is_no_wheel", "a_cache_that_cannot_be_written_is_read_and_no_error"]),
    tested("H shared files", &["an_edited_environment_leaves_the_store_alone"]),
    tested("H temporary directories", &["promise_4_an_interrupted_run_takes_everything_back"]),
    tested("H several at once", &["several_processes_make_one_environment", "two_processes_wait_for_each_other_or_say_who_is_there"]),
    tested("H interrupted", &["promise_4_a_kill_at_each_system_call_leaves_old_or_new"]),
    row("H a refused wheel among others"),
    tested("H search path", &["promise_3_no_code_of_an_environment_runs_while_it_is_changed"]),
    tested("H imports from the target", &["promise_3_no_code_of_an_environment_runs_while_it_is_changed"]),
];
